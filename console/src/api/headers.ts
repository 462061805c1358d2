// Headers that an operation may be called with beside the session's.

/** The same thing asked for twice, because an answer was lost, is made once. */
export function once(key: string): Record<string, string> {
  return { "Idempotency-Key": key };
}

/** Changes what was seen and nothing else: where somebody else was faster, the server refuses. */
export function asSeen(tag: string): { "If-Match": string } {
  return { "If-Match": tag || "*" };
}
