// What others put into names, and what other pages try with this one.
import { elsewhere } from "./server";
import { expect, open, signIn, test } from "./test";

const SCRIPTS = [
  "<img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  "javascript:alert(1)",
  '"><svg onload=alert(1)>',
  "{{constructor.constructor('alert(1)')()}}",
];

test("text stays text, whoever wrote it", async ({ console: page, keyward }) => {
  for (const text of SCRIPTS) keyward.run("key", "create", text);
  const agent = SCRIPTS[0] ?? "";
  await keyward.call(`/${encodeURIComponent("<b>")}`, undefined, { "User-Agent": agent });
  await open(page, keyward, "/keys");
  for (const text of SCRIPTS) await expect(page.getByText(text, { exact: true })).toBeVisible();
  await page.getByRole("link", { name: agent, exact: true }).click();
  await expect(page.getByRole("heading", { name: agent })).toBeVisible();
  expect(await page.locator("main img, main script, main svg[onload]").count()).toBe(0);
});

test("no page of another origin can hold the console in a frame", async ({ browser, keyward }) => {
  const frame = await elsewhere(`<iframe src="${keyward.consoleUrl}" width="800" height="600"></iframe>`);
  const page = await browser.newPage();
  await page.goto(frame.url);
  await page.waitForTimeout(500);
  const inside = page.frames()[1];
  expect(
    await inside
      ?.locator("input")
      .count()
      .catch(() => 0),
  ).toBe(0);
  await page.close();
  frame.close();
});

test("no page of another origin can use the session", async ({ browser, keyward }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, keyward);
  const evil = await elsewhere("<p>hello</p>");
  await page.goto(evil.url);
  const tried = await page.evaluate(async (admin) => {
    const send = async (path: string, init: RequestInit): Promise<string> => {
      try {
        return String((await fetch(`${admin}/admin/v1${path}`, { credentials: "include", ...init })).status);
      } catch {
        return "blocked";
      }
    };
    return [
      await send("/keys", {}),
      await send("/keys", {
        method: "POST",
        body: '{"name":"forged"}',
        headers: { "Content-Type": "application/json" },
      }),
      await send("/keys", { method: "POST", body: '{"name":"forged"}', mode: "no-cors" }),
      await send("/session", { method: "DELETE" }),
    ];
  }, keyward.adminUrl);
  expect(tried.filter((one) => one !== "blocked" && one !== "0")).toEqual([]);
  expect(keyward.run("key", "list", "--json")).not.toContain("forged");
  await open(page, keyward, "/keys");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await context.close();
  evil.close();
});
