/** For tests: unpacker, stream unit, engine, row scaler and scaler together, with their jobs as separate streams. */
import { bool, defineModule, stream, uint, wire } from "../hdl/index.js";
import { engine } from "../engines/engine.js";
import { tokBits, toksBits } from "../engines/port.js";
import { type AcceleratorConfig, beatBits, log2, rowBits } from "../isa/config.js";
import { result, SEMAPHORE_BITS, streamJob } from "./jobs.js";
import { rowJob, rowScaler } from "./rowscale.js";
import { SQUARES_BITS, scaleJob, scaler, softmaxSum, vectorScale } from "./scaler.js";
import { squares } from "./squares.js";
import { activationWrite, constantLoad, probabilityRead, probabilityWord, streamUnit } from "./stream.js";
import { unpack, unpackJob } from "./unpack.js";

export const streamSide = (c: AcceleratorConfig) =>
  defineModule(
    "stream_side",
    {
      in: {
        unpackJob: stream(unpackJob(c)),
        streamJob: stream(streamJob(c)),
        rowJob: stream(rowJob(c)),
        scaleJob: stream(scaleJob(c)),
        memory: stream(uint(beatBits(c))),
        granted: bool,
        missing: uint(SEMAPHORE_BITS),
        write: activationWrite(c),
        probability: probabilityWord,
        tokenData: uint(rowBits(c)),
        scale: vectorScale,
        squares,
        epsilonSum: uint(SQUARES_BITS),
        softmax: stream(softmaxSum),
      },
      out: {
        want: uint(SEMAPHORE_BITS),
        amount: uint(toksBits(c)),
        take: bool,
        probabilityRead: probabilityRead(c),
        probRelease: bool,
        started: bool,
        tokenAddr: uint(16),
        load: constantLoad(c),
        activity: uint(5),
        scaleAddr: { slot: uint(log2(c.slots)), tok: uint(tokBits(c)) },
        result: stream(result(c)),
        saturated: bool,
        negativeShift: bool,
        issued: bool,
      },
    },
    (i) => {
      const [pop, flush, retire] = [
        wire("steps_pop", uint(2)),
        wire("steps_flush", bool),
        wire("t_retire", bool),
      ];
      const wanted = wire("t_wanted", uint(tokBits(c)));
      const unpacked = unpack(c).inst("u_unpack", { job: i.unpackJob, memory: i.memory, pop, flush });
      const s = streamUnit(c).inst("u_stream", {
        job: i.streamJob,
        granted: i.granted,
        missing: i.missing,
        weights: unpacked.weights,
        steps: unpacked.steps,
        write: i.write,
        probability: i.probability,
        tokenData: i.tokenData,
      });
      pop.drive(s.pop);
      flush.drive(s.flush);
      const issued = s.beat.valid;
      const { sums } = engine(c).inst("u_engine", { beat: s.beat });
      const scales = scaler(c).inst("u_scaler", {
        job: i.scaleJob,
        started: s.started,
        scale: i.scale,
        squares: i.squares,
        epsilonSum: i.epsilonSum,
        others: [],
        softmax: i.softmax,
        tok: wanted,
        retire,
      });
      const rows = rowScaler(c).inst("u_rows", { job: i.rowJob, sums, t: scales.t, known: scales.known });
      wanted.drive(rows.wanted);
      retire.drive(rows.retire);
      return {
        want: s.want,
        amount: s.amount,
        take: s.take,
        probabilityRead: s.probabilityRead,
        probRelease: s.probRelease,
        started: s.started,
        tokenAddr: s.tokenAddr,
        load: s.load,
        activity: s.activity,
        scaleAddr: scales.scaleAddr,
        result: rows.result,
        saturated: rows.saturated,
        negativeShift: rows.negativeShift,
        issued,
      };
    },
  );
