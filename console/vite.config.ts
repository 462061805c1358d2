// Builds the console and, with `--mode portal`, the customer portal: hashed files with relative addresses, each with a gzip twin.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const WORTH_PACKING = /\.(html|js|css|svg|json)$/;

function gzipTwins(folder: string): Plugin {
  const pack = (path: string): void => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path)) pack(join(path, name));
    } else if (WORTH_PACKING.test(path)) {
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    }
  };
  return { name: "gzip-twins", closeBundle: () => pack(folder) };
}

export default defineConfig(({ mode }) => {
  const isPortal = mode === "portal";
  const folder = fileURLToPath(new URL(isPortal ? "dist/portal" : "dist/console", import.meta.url));
  return {
    base: "./",
    root: isPortal ? "portal" : ".",
    publicDir: isPortal ? false : "public",
    plugins: [react(), gzipTwins(folder)],
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2022",
      // What a strict content security policy lets load: files, never text inside the page.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      ...(!isPortal && { rollupOptions: { input: ["index.html", "reference/index.html"] } }),
    },
  };
});
