// Several changes of one record, one after the other; the first only if nobody was faster since it was read.
import { asSeen } from "../api/headers";
import type { Receipt } from "../api/types";

interface Steps<B> {
  /** The version that was read. */
  seen: string;
  /** The changes that there are. */
  changes: readonly (B | false)[];
  patch: (body: B, header: ReturnType<typeof asSeen>) => Promise<{ receipt: Receipt }>;
  /** The version that it has by then. */
  read: () => Promise<{ tag: string }>;
}

/** The receipt of the last one. */
export async function inTurn<B>({ seen, changes, patch, read }: Steps<B>): Promise<Receipt | undefined> {
  let receipt: Receipt | undefined;
  for (const change of changes) {
    if (change === false) continue;
    const tag = receipt ? (await read()).tag : seen;
    receipt = (await patch(change, asSeen(tag))).receipt;
  }
  return receipt;
}
