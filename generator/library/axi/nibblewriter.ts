/** A write port for nibbles: `merge` with a read and a write master behind it, which share one AXI4 port. */
import { bool, defineModule, stream, uint, wire } from "../../hdl/index.js";
import { late } from "./late.js";
import { merge, nibbleWrite } from "./merge.js";
import {
  type AxiPort,
  faults,
  portName,
  readMasterPorts,
  readSlavePorts,
  transfer,
  writeMasterPorts,
  writeSlavePorts,
} from "./ports.js";
import { readMaster } from "./readmaster.js";
import { TIMEOUT_BITS } from "./watchdog.js";
import { writeMaster } from "./writemaster.js";

/** Module `axi_nibbles_<bits>x<outstanding>`: one word a burst; `done` for a cycle when a write is in memory. */
export const nibbleWriter = (dataBits: number, outstanding: number) => {
  const port: AxiPort = { dataBits, burst: 1, outstanding };
  return defineModule(
    `axi_nibbles_${portName(port)}`,
    {
      in: {
        write: stream(nibbleWrite(dataBits)),
        timeout: uint(TIMEOUT_BITS),
        axi: { ...readSlavePorts(dataBits), ...writeSlavePorts },
      },
      out: {
        axi: { ...readMasterPorts, ...writeMasterPorts(dataBits) },
        done: bool,
        fault: faults,
        idle: bool,
      },
      doc: `Writes of nibbles behind AXI4: ${dataBits} bits, ${outstanding} words at a time.`,
    },
    ({ write, timeout, axi }) => {
      const done = wire("write_done", bool);
      const asked = late("asked", transfer);
      const { arready, rdata, rresp, rlast, rvalid, ...answers } = axi;
      const reader = readMaster(port).inst("u_read", {
        transfer: asked.stream,
        stop: 0,
        timeout,
        axi: { arready, rdata, rresp, rlast, rvalid },
      });
      const merged = merge(port).inst("u_merge", { write, read: reader.data, done });
      asked.connect(merged.readTransfer);
      const writer = writeMaster(port).inst("u_write", {
        transfer: merged.writeTransfer,
        data: merged.writeData,
        timeout,
        axi: answers,
      });
      done.drive(writer.done);
      const either = (f: keyof typeof faults) => reader.fault[f].or(writer.fault[f]);
      return {
        axi: { ...reader.axi, ...writer.axi },
        done: writer.done,
        fault: { slverr: either("slverr"), decerr: either("decerr"), timeout: either("timeout") },
        idle: merged.idle.and(write.valid.not()),
      };
    },
  );
};
