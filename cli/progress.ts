/** Where it is, on standard error: one live line on a terminal, else a line from time to time. */
export class Progress {
  private readonly start = performance.now();
  private told = 0;
  private live = false;

  say(line: string): void {
    this.live = process.stderr.isTTY === true;
    process.stderr.write(this.live ? `\r\x1b[2K${line}` : `${line}\n`);
  }
  share(done: number, total: number, what: string): void {
    const seconds = (performance.now() - this.start) / 1000;
    if (seconds - this.told < (process.stderr.isTTY ? 0.2 : 10)) return;
    this.told = seconds;
    this.say(`${done} of ${total} ${what}, about ${timeText((seconds * (total - done)) / done)} left`);
  }
  clear(): void {
    if (this.live) process.stderr.write("\r\x1b[2K");
    this.live = false;
  }
}

/** Seconds as a person says them. */
export const timeText = (seconds: number): string => {
  const whole = Math.ceil(seconds);
  if (whole < 120) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};
