// Signing in and out, and what happens when a session or the server goes away under a page.
import { PASSWORD } from "./server";
import { done, expect, open, signIn, test } from "./test";

test("a wrong password is refused, with the decision that says why", async ({ page, keyward }) => {
  await page.goto(keyward.consoleUrl);
  await page.getByLabel("Username").fill("admin");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("Decision");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeHidden();
});

test("what a page asked for before sign-in is there after it, and no address leads elsewhere", async ({
  page,
  keyward,
}) => {
  for (const path of ["/keys", "//evil.example/", "/\\evil.example", "https://evil.example", "javascript:alert(1)"]) {
    await page.context().clearCookies();
    await page.goto("about:blank");
    await page.goto(`${keyward.consoleUrl}#${path}`);
    await page.getByLabel("Username").fill("admin");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
    expect(new URL(page.url()).origin, path).toBe(new URL(keyward.consoleUrl).origin);
    if (path === "/keys") await expect(page.getByRole("heading", { name: "API keys", exact: true })).toBeVisible();
  }
});

test("a session is new at sign-in, and its cookie is worth nothing after sign-out", async ({
  page,
  keyward,
  context,
}) => {
  await page.goto(keyward.consoleUrl);
  const name = "keyward-console";
  await context.addCookies([{ name, value: "chosen-by-somebody-else", url: keyward.adminUrl }]);
  await signIn(page, keyward);
  const cookie = (await context.cookies(keyward.adminUrl)).find((one) => one.name === name);
  expect(cookie?.value).toBeTruthy();
  expect(cookie?.value).not.toBe("chosen-by-somebody-else");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict" });
  await page.getByRole("button", { name: /admin/ }).last().click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  const stolen = await fetch(`${keyward.adminUrl}/admin/v1/session`, {
    headers: { Cookie: `${name}=${cookie?.value}` },
  });
  expect(stolen.status).toBe(401);
});

test("a session that ends in the middle of a form loses nothing of it", async ({ console: page, keyward, context }) => {
  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill("typed with care");
  await context.clearCookies();
  await page.getByRole("button", { name: "Generate" }).click();
  const again = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(again).toBeVisible();
  await again.getByLabel("Password").fill(PASSWORD);
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  await expect(page.getByRole("heading", { name: "“typed with care” is ready" })).toBeVisible();
});

test("a server that goes away and comes back loses nothing either", async ({ console: page, keyward }) => {
  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill("before the restart");
  await keyward.stop();
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByText("Keyward does not answer. This page goes on")).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("Nothing that you typed is lost");
  await keyward.start();
  await expect(page.getByText("Keyward does not answer. This page goes on")).toBeHidden({ timeout: 15_000 });
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByRole("heading", { name: "“before the restart” is ready" })).toBeVisible();
});

test("another session in another tab: one's own goes on, and somebody else's makes nothing", async ({
  console: page,
  keyward,
  context,
}) => {
  const password = keyward.run("user", "add", "second", "--roles", "operator").trim();
  const tab = await context.newPage();
  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill("after another sign-in");
  await context.clearCookies();
  await signIn(tab, keyward);
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  await done(page);

  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill("for whom?");
  await context.clearCookies();
  await tab.reload();
  await signIn(tab, keyward, "second", password);
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByText("second", { exact: true })).toBeVisible();
  const list = keyward.run("key", "list", "--json");
  expect(list).toContain("after another sign-in");
  expect(list).not.toContain("for whom?");
  await tab.close();
});
