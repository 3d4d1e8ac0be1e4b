// What main.cpp uses of XRT's native API, with its signatures, in front of the simulated accelerator.
#ifndef GATELOOM_XRT_STUB_H
#define GATELOOM_XRT_STUB_H
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

enum xclBOSyncDirection { XCL_BO_SYNC_BO_TO_DEVICE = 0, XCL_BO_SYNC_BO_FROM_DEVICE };

namespace bridge {

inline int connection() {
  static const int fd = [] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, std::getenv("GATELOOM_BRIDGE"), sizeof address.sun_path - 1);
    const int made = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(made, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
      throw std::runtime_error("bridge: no connection");
    return made;
  }();
  return fd;
}

inline std::string ask(const std::string &words) {
  const std::string line = words + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const auto n = ::write(connection(), line.data() + sent, line.size() - sent);
    if (n <= 0) throw std::runtime_error("bridge: closed");
    sent += static_cast<std::size_t>(n);
  }
  std::string answer;
  for (char c = 0; ::read(connection(), &c, 1) == 1 && c != '\n';) answer.push_back(c);
  if (answer.empty() || answer[0] == '!') throw std::runtime_error("bridge: " + answer);
  return answer;
}

}  // namespace bridge

namespace xrt {

class uuid {};

class device {
 public:
  explicit device(unsigned index) {
    if (index != 0) throw std::runtime_error("Could not open device with index '" + std::to_string(index) + "'");
  }
  uuid load_xclbin(const std::string &name) {
    if (!std::ifstream(name)) throw std::runtime_error("failed to open file: " + name);
    return {};
  }
};

class ip {
 public:
  ip(const device &, const uuid &, const std::string &name) {
    if (name != std::getenv("GATELOOM_KERNEL")) throw std::runtime_error("No IP matching '" + name + "'");
  }
  void write_register(std::uint32_t offset, std::uint32_t data) {
    bridge::ask("W " + std::to_string(offset) + " " + std::to_string(data));
  }
  std::uint32_t read_register(std::uint32_t offset) const {
    return static_cast<std::uint32_t>(std::stoul(bridge::ask("R " + std::to_string(offset))));
  }
};

class kernel {
 public:
  enum class cu_access_mode : std::uint8_t { exclusive = 0, shared = 1, none = 2 };
  kernel(const device &, const uuid &, const std::string &, cu_access_mode mode) {
    if (mode != cu_access_mode::none) throw std::runtime_error("failed to open cu context: in exclusive use");
  }
  int group_id(int argument) const { return argument; }
};

class bo {
 public:
  bo(const device &, std::size_t size, std::uint32_t group)
      : content_(size), address_(std::stoull(bridge::ask("A " + std::to_string(size) + " " + std::to_string(group)))) {}
  std::uint64_t address() const { return address_; }
  void write(const void *source) { std::memcpy(content_.data(), source, content_.size()); }
  void sync(xclBOSyncDirection direction) {
    if (direction != XCL_BO_SYNC_BO_TO_DEVICE) throw std::runtime_error("nothing is read back");
    static const char digits[] = "0123456789abcdef";
    std::string hex;
    for (const unsigned char byte : content_) {
      hex.push_back(digits[byte >> 4]);
      hex.push_back(digits[byte & 15]);
    }
    bridge::ask("S " + std::to_string(address_) + " " + hex);
  }

 private:
  std::vector<unsigned char> content_;
  std::uint64_t address_;
};

}  // namespace xrt

#endif
