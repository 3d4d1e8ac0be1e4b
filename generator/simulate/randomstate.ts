/** Random state: registers with several guarded updates, memories of all kinds. */
import type { MemId, Memory, MemWrite, NodeId } from "../hdl/ir.js";
import type { Netlist } from "./randomnetlist.js";

/** A register; `finishRegister` gives it its updates when there is more to choose from. */
export const addRegister = (n: Netlist, i: number): NodeId => {
  const width = n.width();
  const reset = n.options.defined || n.random.bool() ? { reset: n.random.bits(width) } : {};
  return n.add(
    {
      op: "reg",
      width,
      domain: n.domain(),
      updates: [],
      name: `r${i}`,
      named: true,
      signed: n.random.bool(),
      ...reset,
    },
    [],
  );
};

export const finishRegister = (n: Netlist, id: NodeId): void => {
  const reg = n.node(id);
  if (reg.op !== "reg") return;
  const updates = Array.from({ length: n.random.below(4) }, (_, i) => ({
    guard: i === 0 ? (n.random.bool() ? null : n.operand(1)) : n.random.oneIn(8) ? null : n.operand(1),
    value: n.operand(reg.width),
  }));
  for (const u of updates) for (const o of [u.guard, u.value]) if (o !== null) n.used.add(o);
  n.nodes[id] = { ...reg, updates };
};

const address = (n: Netlist, bits: number): NodeId => {
  if (n.options.defined) return n.operand(n.random.bool() ? bits : 1 + n.random.below(bits));
  return n.operand(n.random.oneIn(4) ? n.width() : bits);
};

/** A memory and its read ports; `finishMemory` gives it writes. */
export const addMemory = (n: Netlist): void => {
  const { random } = n;
  const mem: MemId = n.memories.length;
  const { defined } = n.options;
  const bits = 1 + random.below(4);
  const depth = defined || random.bool() ? 2 ** bits : 1 + random.below(2 ** bits);
  const width = n.width();
  const contents = random.oneIn(3)
    ? { contents: Array.from({ length: random.below(depth + 1) }, () => random.bits(width)) }
    : {};
  n.memories.push({
    name: `mem${mem}`,
    width,
    depth,
    readDuringWrite: random.pick(
      defined ? (["old", "new"] as const) : (["old", "new", "undefined"] as const),
    ),
    ...contents,
    ...(defined || random.bool() ? { zero: true } : {}),
    style: "auto",
    writes: [],
  });
  for (let i = 1 + random.below(2); i > 0; i--) {
    const addr = address(n, bits);
    const registered = random.bool();
    let enable: NodeId | null = registered && random.bool() ? n.operand(1) : null;
    if (enable !== null && defined) {
      enable = n.add({ op: "binary", fn: "or", signedness: "u", width: 1, a: enable, b: n.init }, [
        enable,
        n.init,
      ]);
    }
    // Depends on wires through the address only when it is combinational.
    n.add(
      { op: "memRead", width, mem, addr, domain: registered ? n.domain() : null, enable },
      registered ? [] : [addr],
    );
    if (registered) for (const o of [addr, enable]) if (o !== null) n.used.add(o);
  }
};

export const finishMemory = (n: Netlist, mem: MemId, memory: Memory): void => {
  const { random } = n;
  const bits = Math.max(1, Math.ceil(Math.log2(memory.depth)));
  const granules = [1, 2, 4, 8, 16, memory.width].filter(
    (g) => memory.width % g === 0 && memory.width / g <= n.options.maxWidth,
  );
  const writes = Array.from({ length: random.below(n.options.defined ? 2 : 3) }, (): MemWrite => {
    const granule = random.bool() ? memory.width : random.pick(granules);
    const masked = granule < memory.width || random.oneIn(4);
    let enable = n.operand(1);
    if (n.options.defined) {
      const ready = n.add({ op: "unary", fn: "not", width: 1, a: n.init }, [n.init]);
      enable = n.add({ op: "binary", fn: "and", signedness: "u", width: 1, a: enable, b: ready }, [
        enable,
        ready,
      ]);
    }
    return {
      domain: n.domain(),
      addr: address(n, bits),
      data: n.operand(memory.width),
      enable,
      mask: masked ? n.operand(memory.width / granule) : null,
      granule,
    };
  });
  n.memories[mem] = { ...memory, writes };
};
