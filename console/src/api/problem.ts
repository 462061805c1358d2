// What went wrong with a request, as a value that pages can show: a problem document, or no answer at all.

interface Document {
  title?: string;
  status?: number;
  detail?: string;
  reason?: string;
  decision?: string;
  /** Where the operator has put other words in place of a problem document. */
  message?: unknown;
  error?: unknown;
}

export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly reason: string | undefined;
  readonly decision: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(status: number, title: string, detail: string, more: Partial<Problem> = {}) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.reason = more.reason;
    this.decision = more.decision;
    this.retryAfter = more.retryAfter;
  }

  static of(response: Response, body: unknown): Problem {
    const said: Document = typeof body === "object" && body !== null ? body : {};
    const told = [said.message, said.error].find((one) => typeof one === "string") ?? "";
    const seconds = Number(response.headers.get("retry-after"));
    return new Problem(response.status, said.title ?? `Status ${response.status}`, said.detail ?? told, {
      reason: said.reason,
      decision: said.decision ?? response.headers.get("keyward-decision") ?? undefined,
      retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds : undefined,
    });
  }

  static noAnswer(): Problem {
    return new Problem(
      0,
      "No answer from the server",
      "The request did not reach the server, or its answer was lost. Nothing that you typed is lost: try again.",
    );
  }

  static from(error: unknown): Problem {
    if (error instanceof Problem) return error;
    return new Problem(0, "Something went wrong in this page", error instanceof Error ? error.message : String(error));
  }

  get isNoAnswer(): boolean {
    return this.status === 0;
  }
}
