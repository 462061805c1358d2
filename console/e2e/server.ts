// A Keyward of its own for a test: the real binary in a folder that is thrown away, on ports that the system chooses.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PASSWORD = "correct horse battery";

export class Keyward {
  readonly folder = mkdtempSync(join(tmpdir(), "keyward-e2e-"));
  dataUrl = "";
  adminUrl = "";
  private child: ChildProcess | undefined;
  private written = "";
  private readonly environment: NodeJS.ProcessEnv = { ...process.env, KEYWARD_ADMIN_PASSWORD: PASSWORD };

  get consoleUrl(): string {
    return `${this.adminUrl}/console/`;
  }

  /** Starts it; again on the ports that it had. */
  async start(config?: string): Promise<void> {
    if (config) this.environment.KEYWARD_CONFIG = this.file("keyward.yaml", config);
    const port = (url: string): string => (url ? new URL(url).port : "0");
    const flags = ["serve", "--port", port(this.dataUrl), "--admin-port", port(this.adminUrl)];
    this.written = "";
    this.child = spawn(binary(), flags, {
      cwd: this.folder,
      env: this.environment,
    });
    const { stdout, stderr } = this.child;
    await new Promise<void>((resolve, reject) => {
      const hear = (bytes: Buffer): void => {
        this.written += bytes.toString();
        const data = /API +(http:\/\/\S+)/.exec(this.written)?.[1];
        const admin = /control +(http:\/\/\S+)/.exec(this.written)?.[1];
        if (!data || !admin) return;
        [this.dataUrl, this.adminUrl] = [data, admin];
        resolve();
      };
      stdout?.on("data", hear);
      stderr?.on("data", hear);
      this.child?.on("exit", () => reject(new Error(`keyward ended: ${this.written}`)));
    });
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }

  /** A command of the same binary in the same folder. */
  run(...words: string[]): string {
    const [cwd, env] = [this.folder, this.environment];
    return execFileSync(binary(), words, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** A file beside the data, by its whole path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** A call of the API behind, with or without a key. */
  async call(path: string, key?: string, headers: Record<string, string> = {}): Promise<number> {
    const answer = await fetch(this.dataUrl + path, { headers: { ...headers, ...(key && { "X-API-Key": key }) } });
    await answer.text();
    return answer.status;
  }

  /** A call with a target and headers as they are, which a browser or `fetch` would not send. */
  async raw(url: string, method: string, target: string, headers: Record<string, string>, body = ""): Promise<number> {
    const { request } = await import("node:http");
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const call = request({ hostname, port, method, path: target, headers }, (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
      });
      call.on("error", reject).end(body);
    });
  }

  async away(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function binary(): string {
  const path = process.env.KEYWARD_BINARY;
  if (!path) throw new Error("KEYWARD_BINARY says which binary to test");
  return path;
}

/** A server of nobody: what another origin can do. */
export async function elsewhere(page: string): Promise<{ url: string; close: () => void }> {
  const { createServer: createHttp } = await import("node:http");
  const server = createHttp((_, answer) => answer.setHeader("content-type", "text/html").end(page));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { url: `http://localhost:${port}/`, close: () => server.close() };
}
