// A session that ended under an open page: who waits until somebody has signed in again. What waits then goes out once more.
import { store } from "../lib/store";

export interface Waiting {
  signedIn(): void;
  gaveUp(): void;
}

/** None while the session counts. */
export const expired = store<Waiting | null>(null);
let again: Promise<boolean> | null = null;

/** Whether somebody signed in again. */
export function signInAgain(): Promise<boolean> {
  again ??= new Promise<boolean>((resolve) => {
    const end = (came: boolean) => () => {
      again = null;
      expired.set(null);
      resolve(came);
    };
    expired.set({ signedIn: end(true), gaveUp: end(false) });
  });
  return again;
}
