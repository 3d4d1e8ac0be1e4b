/** Cycles a second of the interpreter, on a loop of products: npx tsx generator/micro/speed.bench.ts */
import { program } from "./assemble.js";
import { Interpreter } from "./interpret.js";

const machine = new Interpreter(
  program((a) => {
    a.label("f");
    a.op({ misc: ["c1", 1000] });
    a.label("outer");
    a.op({ misc: ["c0", 1000] });
    a.op({ misc: ["seek", 0] });
    a.label("inner");
    a.op({ vr: "p0+", mx: "vd", my: "yr", ac: "+", seq: "loop0", target: "inner" });
    a.op({ q: "round14", r: "sat24", vw: "p1", misc: ["c0", 14] });
    a.label("macs");
    a.op({ lane: "w4", tk: "4", seq: "loop0", target: "macs" });
    a.op({ seq: "loop1", target: "outer" });
    a.op({ seq: "ret" });
  }),
  [],
);
const start = process.hrtime.bigint();
let cycles = 0;
for (let i = 0; i < 10; i++) cycles += machine.call("f");
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
console.log(`${(cycles / seconds / 1e6).toFixed(1)} M cycles/s`);
