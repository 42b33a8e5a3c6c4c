export function runDemo(_options: { dir: string | undefined; onText: (text: string) => void; signal: AbortSignal }): Promise<number> {
  return Promise.resolve(0);
}
