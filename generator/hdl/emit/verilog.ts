/** Design to Verilog-2005: one module per file, scalar named nets, readable expressions. */
import type * as ir from "../ir.js";
import { eachOperand } from "../operands.js";
import { demands } from "../passes/demand.js";

const RESERVED = new Set(
  "accept_on before bind bins binsof bit break chandle checker clocking constraint context continue cover covergroup coverpoint cross dist endchecker endclocking endgroup endinterface endpackage endprogram endproperty endsequence eventually expect extern final first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies interconnect intersect let matches modport nettype new nexttime noshowcancelled null protected pulsestyle_onevent pulsestyle_ondetect pure rand randc randcase randomize randsequence reject_on restrict s_always s_eventually s_nexttime s_until shortint showcancelled soft static strong super sync_accept_on sync_reject_on tagged this throughout timeprecision timeunit type unique0 until until_with untyped use var wait_order weak wildcard always and assign automatic begin bit buf byte case casex casez cell class config const default defparam design disable do edge else end endcase endfunction endmodule enum event export extends final for force fork function generate genvar if iff import initial inout input inside int integer interface join large library local localparam logic longint macromodule medium mod module nand negedge new nmos nor not null or output package packed parameter pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup pure rand ref reg release repeat return scalared sequence shortint shortreal signed small solve specify specparam static strength string strong0 strong1 struct super supply0 supply1 table tagged task this time timeprecision timeunit tran tri tri0 tri1 triand trior trireg type typedef union unique unsigned use var vectored virtual void wait wand weak0 weak1 while wire with within wor xnor xor".split(
    " ",
  ),
);

/** True for one concatenation, whose first brace closes at the end. */
const bracketed = (text: string): boolean => {
  if (!text.startsWith("{")) return false;
  let depth = 0;
  for (const [i, c] of [...text].entries()) {
    depth += c === "{" ? 1 : c === "}" ? -1 : 0;
    if (depth === 0) return i === text.length - 1;
  }
  return false;
};
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

class ModuleText {
  private readonly names = new Map<ir.NodeId, string>();
  private readonly taken = new Set<string>();
  private readonly need: bigint[];
  private readonly uses: number[];
  private readonly decls: string[] = [];
  readonly extra = new Map<string, string>();

  constructor(
    private readonly m: ir.Module,
    private readonly design: ir.Design,
    private readonly comments: boolean,
  ) {
    this.need = demands(m);
    this.uses = m.nodes.map(() => 0);
    m.nodes.forEach((n, id) => {
      if (this.need[id] !== 0n) for (const o of operands(n)) this.uses[o]!++;
    });
    const extraUse = (id: ir.NodeId) => {
      this.uses[id]! += 1;
    };
    for (const o of m.outputs) extraUse(o.value);
    for (const i of m.instances) Object.values(i.inputs).forEach(extraUse);
    for (const mem of m.memories)
      for (const w of mem.writes)
        [w.addr, w.data, w.enable, ...(w.mask === null ? [] : [w.mask, w.mask])].forEach(extraUse);
  }

  private fresh(wanted: string): string {
    let base = wanted.replace(/[^A-Za-z0-9_]/g, "_").slice(0, 60);
    if (!/^[A-Za-z]/.test(base)) base = `n_${base}`;
    if (RESERVED.has(base)) base = `${base}_sig`;
    let name = base;
    for (let i = 2; this.taken.has(name); i++) name = `${base}_${i}`;
    this.taken.add(name);
    return name;
  }
  private w(id: ir.NodeId): number {
    return this.m.nodes[id]!.width;
  }
  private range(width: number): string {
    return width === 1 ? "" : `[${width - 1}:0] `;
  }
  private literal(value: bigint, width: number): string {
    return width === 1 ? `1'b${value}` : `${width}'d${value}`;
  }
  private where(n: { loc?: ir.Loc }): string {
    return this.comments && n.loc !== undefined ? ` // ${n.loc.file}:${n.loc.line}:${n.loc.col}` : "";
  }

  /** Cheap, single-use, unnamed: written where it is used. */
  private inlined(id: ir.NodeId): boolean {
    const n = this.m.nodes[id]!;
    if (n.op === "const") return true;
    if (n.named === true || this.names.has(id)) return false;
    switch (n.op) {
      case "slice":
        return true;
      case "unary":
        return n.fn === "not" && this.uses[id] === 1;
      case "binary":
        return (
          this.uses[id] === 1 &&
          (n.fn === "and" || n.fn === "or" || n.fn === "xor" || n.fn === "eq" || n.fn === "ne")
        );
      case "cat":
      case "extend":
        return this.uses[id] === 1;
      default:
        return false;
    }
  }
  /** A name that may be indexed. */
  private base(id: ir.NodeId): string {
    return this.names.get(id) ?? this.materialise(id);
  }
  private late: string[] = [];
  private materialise(id: ir.NodeId): string {
    const n = this.m.nodes[id]!;
    const name = this.fresh(n.name ?? this.derived(n));
    const text = this.need[id] === 0n && n.op !== "const" ? this.literal(0n, n.width) : this.inner(id);
    this.names.set(id, name);
    this.late.push(`  wire ${this.range(n.width)}${name} = ${text};${this.where(n)}`);
    return name;
  }
  private expr(id: ir.NodeId): string {
    // What is needed in no bit may stand as zero: it has no declaration.
    if (this.need[id] === 0n && !this.names.has(id)) return this.literal(0n, this.w(id));
    const known = this.names.get(id);
    if (known !== undefined) return known;
    if (this.inlined(id)) return this.inner(id);
    return this.materialise(id);
  }
  private bits(id: ir.NodeId, hi: number, lo: number): string {
    const n = this.m.nodes[id]!;
    if (n.op === "const")
      return this.literal((n.value >> BigInt(lo)) & ((1n << BigInt(hi - lo + 1)) - 1n), hi - lo + 1);
    if (this.need[id] === 0n && !this.names.has(id)) return this.literal(0n, hi - lo + 1);
    if (n.op === "slice" && !this.names.has(id)) return this.bits(n.a, hi + n.lo, lo + n.lo);
    const base = this.base(id);
    if (n.width === 1) return base;
    return hi === lo ? `${base}[${hi}]` : lo === 0 && hi === n.width - 1 ? base : `${base}[${hi}:${lo}]`;
  }
  /** Tools take shift counts of 32 bits; higher bits shift everything out. */
  private amount(id: ir.NodeId): string {
    return this.w(id) > 32 ? this.bits(id, 31, 0) : this.paren(this.expr(id));
  }
  private shift(n: ir.Binary, text: string, out: string): string {
    return this.w(n.b) > 32 ? `(|${this.bits(n.b, this.w(n.b) - 1, 32)}) ? ${out} : (${text})` : text;
  }
  private inner(id: ir.NodeId): string {
    const n = this.m.nodes[id]!;
    switch (n.op) {
      case "const":
        return this.literal(n.value, n.width);
      case "wire":
        return this.expr(n.driver!);
      case "unary": {
        const a = this.expr(n.a);
        switch (n.fn) {
          case "not":
            return `~${this.paren(a)}`;
          case "neg":
            return `${this.literal(0n, n.width)} - ${this.paren(a)}`;
          case "andr":
            return `&${this.base(n.a)}`;
          case "orr":
            return `|${this.m.nodes[n.a]!.op === "const" ? a : this.base(n.a)}`;
          case "xorr":
            return `^${this.base(n.a)}`;
        }
        break;
      }
      case "binary": {
        // The product is wider than its factors: an operator inside a factor would be widened with it.
        const side = (id: ir.NodeId): string =>
          n.fn === "mul" && this.m.nodes[id]!.op !== "const" ? this.base(id) : this.expr(id);
        const [a, b] = [this.paren(side(n.a)), this.paren(side(n.b))];
        const s = (x: string) => (n.signedness === "s" ? `$signed(${x})` : x);
        switch (n.fn) {
          case "add":
            return `${a} + ${b}`;
          case "sub":
            return `${a} - ${b}`;
          case "mul":
            return `${s(a)} * ${s(b)}`;
          case "and":
            return `${a} & ${b}`;
          case "or":
            return `${a} | ${b}`;
          case "xor":
            return `${a} ^ ${b}`;
          case "eq":
            return `${a} == ${b}`;
          case "ne":
            return `${a} != ${b}`;
          case "lt":
            return `${s(a)} < ${s(b)}`;
          case "le":
            return `${s(a)} <= ${s(b)}`;
          case "shl":
            return this.shift(n, `${a} << ${this.amount(n.b)}`, this.literal(0n, n.width));
          case "shr": {
            if (n.signedness === "u")
              return this.shift(n, `${a} >> ${this.amount(n.b)}`, this.literal(0n, n.width));
            const text = `$signed(${a}) >>> ${this.amount(n.b)}`;
            if (this.w(n.b) <= 32) return text;
            const sign = n.width === 1 ? this.base(n.a) : `{${n.width}{${this.base(n.a)}[${n.width - 1}]}}`;
            return this.shift(n, text, sign);
          }
        }
        break;
      }
      case "mux":
        return `${this.paren(this.expr(n.sel))} ? ${this.paren(this.expr(n.t))} : ${this.paren(this.expr(n.f))}`;
      case "slice":
        return this.bits(n.a, n.lo + n.width - 1, n.lo);
      case "cat":
        return `{${n.parts.map((p) => this.expr(p)).join(", ")}}`;
      case "extend": {
        const w = this.w(n.a);
        if (w === n.width) return this.expr(n.a);
        if (n.signedness === "u") return `{${n.width - w}'d0, ${this.expr(n.a)}}`;
        const base = this.base(n.a);
        const sign = w === 1 ? base : `${base}[${w - 1}]`;
        return n.width - w === 1 ? `{${sign}, ${base}}` : `{{${n.width - w}{${sign}}}, ${base}}`;
      }
      case "input":
      case "instOut":
      case "reg":
      case "memRead":
      case "select":
        break;
    }
    throw new Error(`no expression for ${n.op}`);
  }
  private paren(text: string): string {
    return /^[A-Za-z0-9_'$[\]:]+$/.test(text) || bracketed(text) ? text : `(${text})`;
  }
  private derived(n: ir.Node): string {
    const of = (id: ir.NodeId): string =>
      this.names.get(id) ??
      this.m.nodes[id]!.name ??
      (this.m.nodes[id]!.op === "const" ? String((this.m.nodes[id] as ir.Const).value) : "");
    const short = (s: string) => s.slice(0, 24);
    switch (n.op) {
      case "binary":
        return [short(of(n.a)), n.fn, short(of(n.b))].filter((x) => x !== "").join("_");
      case "unary":
        return `${n.fn}_${short(of(n.a))}`;
      case "mux":
        return `${short(of(n.sel))}_mux`;
      case "extend":
        return `${short(of(n.a))}_ext`;
      case "cat":
        return "cat";
      default:
        return n.op;
    }
  }

  private readonly constant = new Map<ir.NodeId, boolean>();
  /** True when nothing that changes feeds the node. */
  private isConstant(id: ir.NodeId): boolean {
    let known = this.constant.get(id);
    if (known === undefined) {
      const n = this.m.nodes[id]!;
      this.constant.set(id, false); // a loop is not constant
      known =
        n.op === "const" ||
        (n.op !== "input" &&
          n.op !== "reg" &&
          n.op !== "memRead" &&
          n.op !== "instOut" &&
          operands(n).every((o) => this.isConstant(o)));
      this.constant.set(id, known);
    }
    return known;
  }
  /** A select on a constant: `always @*` would never run. */
  private settled(n: ir.Select): boolean {
    return this.isConstant(n.index);
  }

  text(): string {
    const m = this.m;
    for (const p of [...m.inputs, ...m.outputs]) this.taken.add(p.name);
    for (const d of m.domains) {
      this.taken.add(d.clock);
      if (d.reset !== null) this.taken.add(d.reset);
    }
    for (const i of m.instances) this.taken.add(i.name);
    m.nodes.forEach((n, id) => {
      if (n.op === "input") this.names.set(id, n.port);
    });
    const live = (id: ir.NodeId) => this.need[id] !== 0n;
    // State, wires and instance outputs are declared first: they may be used before they are driven.
    const first = (n: ir.Node) =>
      n.op === "reg" || n.op === "wire" || n.op === "instOut" || n.op === "memRead" || n.op === "select";
    const keep = (id: ir.NodeId) => live(id) || m.nodes[id]!.op === "instOut";
    const ordered = m.nodes.map((n, id) => ({ n, id })).filter(({ n, id }) => first(n) && keep(id));
    for (const { n, id } of [
      ...ordered.filter((x) => x.n.named === true),
      ...ordered.filter((x) => x.n.named !== true),
    ]) {
      const outPort =
        n.op === "wire" || n.op === "reg"
          ? m.outputs.find((o) => o.value === id && o.name === n.name)
          : undefined;
      const name = outPort !== undefined ? `${outPort.name}` : this.fresh(n.name ?? n.op);
      this.names.set(id, name);
      if (outPort !== undefined) continue;
      const kind =
        n.op === "reg" || (n.op === "select" && !this.settled(n)) || (n.op === "memRead" && n.domain !== null)
          ? "reg"
          : "wire";
      this.decls.push(`  ${kind} ${this.range(n.width)}${name};${n.op === "reg" ? this.where(n) : ""}`);
    }
    const outReg = new Set(
      m.nodes.flatMap((n, id) =>
        (n.op === "reg" || n.op === "select") && m.outputs.some((o) => o.name === this.names.get(id))
          ? [this.names.get(id)!]
          : [],
      ),
    );
    const arrays = m.memories.map((mem) => {
      const granule = mem.writes
        .filter((w) => w.mask !== null)
        .reduce((g, w) => gcd(g, w.granule), mem.width);
      const parts = Math.ceil(mem.width / granule);
      return Array.from({ length: parts }, (_, i) => ({
        name: this.fresh(parts === 1 ? mem.name : `${mem.name}_${i}`),
        lo: i * granule,
        width: Math.min(granule, mem.width - i * granule),
      }));
    });
    const body: string[] = [];
    const say = (line: string) => {
      body.push(...this.late, line);
      this.late = [];
    };
    const pre = (id: ir.NodeId): string => {
      const t = this.expr(id);
      body.push(...this.late);
      this.late = [];
      return t;
    };
    // Named combinational nodes in order, so that their names stand where the author made them.
    m.nodes.forEach((n, id) => {
      if (!live(id)) return;
      if (n.op === "wire") {
        const t = pre(n.driver!);
        say(`  assign ${this.names.get(id)} = ${t};${this.where(n)}`);
      } else if (n.op === "select" && this.settled(n)) {
        const index = this.paren(pre(n.index));
        const choices = n.cases.map(
          (c) => `${index} == ${this.literal(c.match, this.w(n.index))} ? ${this.paren(pre(c.value))} : `,
        );
        say(
          `  assign ${this.names.get(id)} = ${choices.join("")}${this.paren(pre(n.other))};${this.where(n)}`,
        );
      } else if (n.op === "select") {
        const name = this.names.get(id)!;
        const index = pre(n.index);
        const values = n.cases.map((c) => [this.literal(c.match, this.w(n.index)), pre(c.value)] as const);
        const other = pre(n.other);
        say(`  always @*${this.where(n)}`);
        say(`    case (${index})`);
        for (const [k, v] of values) say(`      ${k}: ${name} = ${v};`);
        say(`      default: ${name} = ${other};`);
        say("    endcase");
      } else if (n.op === "memRead" && n.domain === null) {
        const addr = pre(n.addr);
        say(
          `  assign ${this.names.get(id)} = ${this.concat(arrays[n.mem]!.map((a) => `${a.name}[${addr}]`))};${this.where(n)}`,
        );
      } else if (n.named === true && !this.names.has(id) && n.op !== "const" && n.op !== "input") {
        this.materialise(id);
        body.push(...this.late);
        this.late = [];
      }
    });
    for (const [k, inst] of m.instances.entries()) {
      const child = this.design.modules.get(inst.module);
      const box = this.design.blackboxes.get(inst.module);
      const ports = child ?? box;
      if (ports === undefined) throw new Error(`no module ${inst.module}`);
      const pins = ports.domains.flatMap((d) => {
        const p = m.domains[inst.domains[d.name]!]!;
        return [`.${d.clock}(${p.clock})`, ...(d.reset === null ? [] : [`.${d.reset}(${p.reset})`])];
      });
      for (const [port, id] of Object.entries(inst.inputs)) pins.push(`.${port}(${pre(id)})`);
      m.nodes.forEach((n, id) => {
        if (n.op === "instOut" && n.inst === k) pins.push(`.${n.port}(${this.names.get(id)})`);
      });
      const parameters =
        box === undefined
          ? []
          : Object.entries(box.parameters).map(([k, v]) => `.${k}(${typeof v === "number" ? v : `"${v}"`})`);
      say(
        `  ${box?.primitive ?? inst.module} ${parameters.length === 0 ? "" : `#(${parameters.join(", ")}) `}${inst.name} (${this.where(inst)}`,
      );
      say(`    ${pins.join(",\n    ")}`);
      say("  );");
    }
    m.domains.forEach((domain, d) => {
      const regs = m.nodes
        .map((n, id) => ({ n, id }))
        .filter((x): x is { n: ir.Reg; id: number } => x.n.op === "reg" && x.n.domain === d && live(x.id));
      const reads = m.nodes
        .map((n, id) => ({ n, id }))
        .filter(
          (x): x is { n: ir.MemRead; id: number } => x.n.op === "memRead" && x.n.domain === d && live(x.id),
        );
      const out: string[] = [];
      for (const { n, id } of regs) {
        const name = this.names.get(id)!;
        const chain = [...n.updates].reverse();
        const end = chain.findIndex((u) => u.guard === null);
        const used = end < 0 ? chain : chain.slice(0, end + 1);
        used.forEach((u, i) => {
          const v = pre(u.value);
          const head =
            u.guard === null ? (i === 0 ? "" : "else ") : `${i === 0 ? "" : "else "}if (${pre(u.guard)}) `;
          out.push(`    ${head}${name} <= ${v};${i === 0 ? this.where(n) : ""}`);
        });
      }
      for (const { n, id } of reads) {
        const addr = pre(n.addr);
        const en = n.enable === null ? "" : `if (${pre(n.enable)}) `;
        out.push(
          `    ${en}${this.names.get(id)} <= ${this.concat(arrays[n.mem]!.map((a) => `${a.name}[${addr}]`))};${this.where(n)}`,
        );
        if (m.memories[n.mem]!.readDuringWrite !== "new") continue;
        // Write-first: what is written to this address in the same cycle overtakes.
        for (const wr of m.memories[n.mem]!.writes.filter((x) => x.domain === d))
          for (const a of arrays[n.mem]!) {
            const lane = Math.floor(a.lo / wr.granule);
            const when = [
              pre(wr.enable),
              ...(n.enable === null ? [] : [pre(n.enable)]),
              ...(wr.mask === null ? [] : [this.bits(wr.mask, lane, lane)]),
              `${this.paren(pre(wr.addr))} == ${this.paren(addr)}`,
            ];
            const part =
              a.width === n.width ? "" : a.width === 1 ? `[${a.lo}]` : `[${a.lo + a.width - 1}:${a.lo}]`;
            const value = this.bits(wr.data, a.lo + a.width - 1, a.lo);
            body.push(...this.late);
            this.late = [];
            out.push(
              `    if (${when.map((w) => this.paren(w)).join(" && ")}) ${this.names.get(id)}${part} <= ${value};`,
            );
          }
      }
      m.memories.forEach((mem, k) => {
        if (!m.nodes.some((n, id) => n.op === "memRead" && n.mem === k && live(id))) return;
        for (const wr of mem.writes.filter((x) => x.domain === d)) {
          const [en, addr] = [pre(wr.enable), pre(wr.addr)];
          for (const a of arrays[k]!) {
            const value = this.bits(wr.data, a.lo + a.width - 1, a.lo);
            const lane = Math.floor(a.lo / wr.granule);
            const mask = wr.mask === null ? "" : ` && ${this.bits(wr.mask, lane, lane)}`;
            body.push(...this.late);
            this.late = [];
            out.push(`    if (${en}${mask}) ${a.name}[${addr}] <= ${value};`);
          }
        }
      });
      const resets = regs.filter((r) => r.n.reset !== undefined);
      if (resets.length > 0) {
        out.push(`    if (${domain.reset}) begin`);
        for (const { n, id } of resets)
          out.push(`      ${this.names.get(id)} <= ${this.literal(n.reset!, n.width)};`);
        out.push("    end");
      }
      if (out.length > 0) {
        say(`  always @(posedge ${domain.clock}) begin`);
        out.forEach(say);
        say("  end");
      }
    });
    const assigns = m.outputs
      .filter((o) => this.names.get(o.value) !== o.name)
      .map((o) => {
        const t = pre(o.value);
        return `  assign ${o.name} = ${t};`;
      });
    const memText = m.memories.flatMap((mem, k) => {
      if (!m.nodes.some((n, id) => n.op === "memRead" && n.mem === k && live(id))) return [];
      return arrays[k]!.flatMap((a) => {
        const lines = [`  reg ${this.range(a.width)}${a.name} [0:${mem.depth - 1}];`];
        const contents =
          mem.contents === undefined || mem.zero !== true
            ? mem.contents
            : Array.from({ length: mem.depth }, (_, i) => mem.contents?.[i] ?? 0n);
        const word = (v: bigint) => (v >> BigInt(a.lo)) & ((1n << BigInt(a.width)) - 1n);
        if (contents !== undefined && contents.length > 256) {
          const file = `${m.name}_${a.name}.mem`;
          this.extra.set(file, `${contents.map((v) => word(v).toString(16)).join("\n")}\n`);
          lines.push(`  initial $readmemh("${file}", ${a.name});`);
        } else if (contents !== undefined)
          lines.push(
            "  initial begin",
            ...contents.map((v, i) => `    ${a.name}[${i}] = ${this.literal(word(v), a.width)};`),
            "  end",
          );
        else if (mem.zero === true) {
          const i = this.fresh(`${a.name}_i`);
          lines.push(
            `  integer ${i};`,
            `  initial for (${i} = 0; ${i} < ${mem.depth}; ${i} = ${i} + 1) ${a.name}[${i}] = ${this.literal(0n, a.width)};`,
          );
        }
        return lines;
      });
    });
    // Bits that nothing reads, so that lint can insist on everything else being used.
    const unused: string[] = [];
    m.nodes.forEach((n, id) => {
      const name = this.names.get(id);
      if (name === undefined || n.op === "const") return;
      if (m.outputs.some((o) => o.name === name)) return;
      const full = (1n << BigInt(n.width)) - 1n;
      if (this.need[id] !== full) unused.push(name);
    });
    const clocksUnused = m.domains.flatMap((d, k) => {
      const regs = m.nodes.some(
        (n, id) => n.op === "reg" && n.domain === k && live(id) && n.reset !== undefined,
      );
      const child = m.instances.some((i) => Object.values(i.domains).includes(k));
      const seq =
        regs ||
        child ||
        m.nodes.some((n, id) => (n.op === "reg" || n.op === "memRead") && n.domain === k && live(id));
      return [...(seq ? [] : [d.clock]), ...(d.reset === null || regs || child ? [] : [d.reset])];
    });
    const sink = [...unused, ...clocksUnused];
    const ports = [
      ...m.inputs.map((p) => `  input  wire ${this.range(p.width)}${p.name}`),
      ...m.outputs.map(
        (p) => `  output ${outReg.has(p.name) ? "reg " : "wire"} ${this.range(p.width)}${p.name}`,
      ),
    ];
    return [
      ...(m.doc === undefined ? [] : m.doc.split("\n").map((l) => `// ${l}`)),
      `// Generated by gateloom${this.comments && m.loc !== undefined ? ` from ${m.loc.file}:${m.loc.line}` : ""}.`,
      "`default_nettype none",
      "",
      `module ${m.name} (`,
      ports.join(",\n"),
      ");",
      ...this.decls,
      ...memText,
      "",
      ...body,
      ...assigns,
      ...(sink.length === 0
        ? []
        : ["", "  // Bits that nothing reads.", `  wire unused_ok = &{1'b0, ${sink.join(", ")}};`]),
      "",
      "endmodule",
      "",
      "`default_nettype wire",
      "",
    ].join("\n");
  }
  private concat(parts: string[]): string {
    return parts.length === 1 ? parts[0]! : `{${[...parts].reverse().join(", ")}}`;
  }
}

const operands = (n: ir.Node): ir.NodeId[] => {
  const out: ir.NodeId[] = [];
  eachOperand(n, (id) => out.push(id));
  return out;
};

export const emitVerilog = (
  design: ir.Design,
  o: { sourceComments?: boolean; models?: boolean } = {},
): Map<string, string> => {
  const files = new Map<string, string>();
  for (const m of design.modules.values()) {
    const text = new ModuleText(m, design, o.sourceComments ?? true);
    files.set(`${m.name}.v`, text.text());
    for (const [name, content] of text.extra) files.set(name, content);
  }
  // Text for simulators that lack the primitive; synthesis takes the vendor's own.
  if (o.models === true)
    for (const box of design.blackboxes.values())
      if (box.verilog !== undefined) files.set(`${box.primitive ?? box.name}.v`, box.verilog);
  return files;
};
