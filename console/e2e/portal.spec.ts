// What customers do in the portal: come in, make keys, see what they used, leave.
import { act, comeIn, expect, generate, link, portalUrl, row, signIn, test } from "./portal";
import { PASSWORD } from "./server";
import { done, open, signIn as signInToConsole } from "./test";
import { code } from "./totp";

const SESSION = "keyward-session";

test("a user signs in and out, and the cookie is worth nothing afterwards", async ({ page, portal, context }) => {
  await page.goto(portalUrl(portal));
  await page.getByLabel("Username").fill("ada");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("Decision");
  await signIn(page, portal);
  await expect(page.getByRole("heading", { name: "Acme", level: 1 })).toBeVisible();
  await expect(page.getByRole("banner")).toContainText("ada");
  const cookie = (await context.cookies(portal.dataUrl)).find((one) => one.name === SESSION);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  expect(await portal.call("/_keyward/me", undefined, { Cookie: `${SESSION}=${cookie?.value}` })).toBe(401);
});

test("a link lets in once, by a press and not by being looked at", async ({ page, portal, browser }) => {
  const address = link(portal);
  const token = address.split("/enter/")[1] ?? "";
  await page.goto(address);
  await expect(page.getByRole("button", { name: "Come in" })).toBeVisible();
  await page.reload();
  await page.getByRole("button", { name: "Come in" }).click();
  await expect(page.getByRole("heading", { name: "Acme", level: 1 })).toBeVisible();
  expect(page.url()).not.toContain(token);
  await page.reload();
  await expect(page.getByRole("heading", { name: "Acme", level: 1 })).toBeVisible();

  const theirs = await (await browser.newContext()).newPage();
  const said: string[] = [];
  for (const one of [address, `${portalUrl(portal)}#/enter/kwprt_guess`]) {
    await theirs.goto("about:blank");
    await theirs.goto(one);
    await theirs.getByRole("button", { name: "Come in" }).click();
    await expect(theirs.getByRole("alert")).toContainText("Ask whoever sent it for another");
    said.push((await theirs.getByRole("alert").textContent())?.replace(/Decision[\s\S]*/, "") ?? "");
  }
  expect(said[0]).toBe(said[1]);
  await theirs.context().close();
});

test("a key is shown once, calls the API, is rotated, paused, and ends for ever", async ({ page, portal, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn(page, portal);
  const key = await generate(page, "billing worker");
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(page.getByRole("button", { name: "Copied", exact: true })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  await expect(page.locator("pre")).toContainText(`-H 'X-API-Key: ${key}'`);
  await expect(page.locator("pre")).toContainText(portal.dataUrl);
  expect(await portal.call("/orders")).toBe(401);
  expect(await portal.call("/orders", key)).toBe(200);
  await done(page);
  await expect(row(page, "billing worker")).toBeVisible();
  await page.reload();
  await expect(row(page, "billing worker")).toBeVisible();
  expect(await page.content()).not.toContain(key);

  await act(page, "billing worker", "Disable…");
  await page.getByRole("alertdialog").getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText("disabled", { exact: true })).toBeVisible();
  expect(await portal.call("/orders", key)).toBe(401);
  await act(page, "billing worker", "Enable…");
  await page.getByRole("alertdialog").getByRole("button", { name: "Enable" }).click();
  await expect(page.getByText("disabled", { exact: true })).toBeHidden();
  expect(await portal.call("/orders", key)).toBe(200);

  await act(page, "billing worker", "Rotate…");
  await page.getByRole("alertdialog").getByRole("button", { name: "Rotate" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  const next = (await page.locator("[data-secret]").textContent()) ?? "";
  expect(next).not.toBe(key);
  await done(page);
  for (const one of [key, next]) expect(await portal.call("/orders", one)).toBe(200);
  const rows = row(page, "billing worker");
  await expect(rows).toHaveCount(2);

  // The newest first: the successor.
  await rows.first().getByRole("button").click();
  await page.getByRole("menuitem", { name: "Revoke…" }).click();
  const sure = page.getByRole("alertdialog");
  await expect(sure.getByRole("button", { name: "Revoke" })).toBeDisabled();
  await sure.getByLabel(/to confirm/).fill("billing worker");
  await sure.getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("revoked", { exact: true })).toBeVisible();
  expect(await portal.call("/orders", next)).toBe(401);
  expect(await portal.call("/orders", key)).toBe(200);
});

test("what was used, and what is left, are those of the traffic", async ({ page, portal }) => {
  await comeIn(page, portal, "Globex");
  const key = await generate(page, "counted");
  await done(page);
  // The button of the empty list is gone.
  await expect(page.getByRole("heading", { name: "Globex", level: 1 })).toBeFocused();
  const before = Date.now();
  for (let turn = 0; turn < 7; turn += 1) expect(await portal.call("/orders", key)).toBe(200);
  const today = page.getByRole("list", { name: "Requests by day" }).getByRole("listitem").last();
  await expect(async () => {
    await page.reload();
    await expect(today).toContainText("7 allowed, 0 refused", { timeout: 1000 });
    await expect(page.getByRole("cell", { name: "never" })).toHaveCount(0, { timeout: 1000 });
  }).toPass({ timeout: 20_000 });
  await expect(page.getByRole("heading", { name: "Plan: free" })).toBeVisible();
  await expect(page.getByText("993 of 1,000 left")).toBeVisible();
  if (Date.now() - before < 50_000) await expect(page.getByText("53 of 60 left")).toBeVisible();
  await expect(page.getByText("in each day, for your account")).toBeVisible();
});

test("who may only look is offered nothing else, and the server refuses the rest", async ({ page, portal }) => {
  portal.run("key", "create", "of the onlooker", "--owner", "rob");
  await signIn(page, portal, "rob");
  await expect(row(page, "of the onlooker")).toBeVisible();
  await expect(page.getByRole("button", { name: "Generate API key" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Actions/ })).toHaveCount(0);
  const status = await page.evaluate(async () => {
    const me = (await (await fetch("/_keyward/me")).json()) as { csrfToken: string };
    const headers = { "Content-Type": "application/json", "Keyward-CSRF": me.csrfToken };
    return (await fetch("/_keyward/api-keys", { method: "POST", headers, body: '{"name":"taken"}' })).status;
  });
  expect(status).toBe(403);
});

test("a session that ends in the middle of a form loses nothing of it", async ({ page, portal }) => {
  await signIn(page, portal);
  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByLabel("Name").fill("typed with care");
  portal.run("user", "sign-out", "ada");
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  const again = page.getByRole("dialog", { name: "Your session has ended" });
  await expect(again.getByLabel("Password")).toBeFocused();
  await page.keyboard.press("Escape");
  await again.getByLabel("Password").fill("not the password");
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(again.getByRole("alert")).toBeVisible();
  await again.getByLabel("Password").fill(PASSWORD);
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "“typed with care” is ready" })).toBeVisible();
});

test("whose session came by a link goes on by another link", async ({ page, portal, context }) => {
  await comeIn(page, portal);
  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByLabel("Name").fill("by two links");
  const { data } = JSON.parse(portal.run("user", "list", "--json")) as { data: { username: string }[] };
  for (const { username } of data) portal.run("user", "sign-out", username);
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  const again = page.getByRole("dialog", { name: "Your session has ended" });
  await again.getByRole("button", { name: "Go on" }).click();
  await expect(again.getByRole("alert")).toContainText("You are not in yet");
  const tab = await context.newPage();
  await comeIn(tab, portal);
  await tab.close();
  await again.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByRole("heading", { name: "“by two links” is ready" })).toBeVisible();
});

test("another session in another tab: one's own goes on, and somebody else's makes nothing", async ({
  page,
  portal,
  context,
}) => {
  const tab = await context.newPage();
  await comeIn(page, portal);
  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByLabel("Name").fill("after another sign-in");
  await comeIn(tab, portal);
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(page.getByRole("heading", { name: "“after another sign-in” is ready" })).toBeVisible();
  await done(page);

  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByLabel("Name").fill("for whom?");
  await comeIn(tab, portal, "Globex");
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Globex", level: 1 })).toBeVisible();
  expect(portal.run("key", "list", "--json")).not.toContain("for whom?");
  await tab.close();
});

test("a server that goes away and comes back loses nothing, and nobody is told to be out who is not", async ({
  page,
  portal,
}) => {
  const gone = page.getByText("The server does not answer. This page goes on");
  await signIn(page, portal);
  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByLabel("Name").fill("before the restart");
  await portal.stop();
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(gone).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("Nothing that you typed is lost");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByText("You are still signed in")).toBeVisible();
  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByLabel("Name").fill("over the restart");
  await portal.start();
  await expect(gone).toBeHidden({ timeout: 15_000 });
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(page.getByRole("heading", { name: "“over the restart” is ready" })).toBeVisible();
});

test("the keyboard is enough", async ({ page, portal }) => {
  portal.run("key", "create", "there before", "--owner", "ada");
  await page.goto(portalUrl(portal));
  await expect(page.getByLabel("Username")).toBeFocused();
  await page.keyboard.type("ada");
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  const button = page.getByRole("button", { name: "Generate API key" });
  await expect(button).toBeVisible();
  for (let turn = 0; turn < 20 && !(await button.evaluate((one) => one === document.activeElement)); turn += 1) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Name")).toBeFocused();
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Copy it now")).toBeVisible();
  const dialog = page.getByRole("dialog");
  expect(await dialog.evaluate((one) => one.contains(document.activeElement))).toBe(true);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(row(page, "by keyboard")).toBeVisible();
  await expect(button).toBeFocused();
  const dots = page.getByRole("button", { name: "Actions for by keyboard" });
  await dots.focus();
  for (const key of ["Enter", "ArrowDown"]) await page.keyboard.press(key);
  await expect(page.getByRole("menuitem", { name: "Disable…" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alertdialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("alertdialog")).toBeHidden();
  await expect(dots).toBeFocused();
});

test("whoever has a second factor is asked for its code", async ({ page, portal }) => {
  await signInToConsole(page, portal);
  await open(page, portal, "/account");
  await page.getByRole("button", { name: "Set it up" }).click();
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Go on" }).click();
  const secret = (await page.locator("[data-secret]").textContent()) ?? "";
  await page.getByRole("textbox", { name: "Code", exact: true }).fill(code(secret));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await page.getByRole("button", { name: "I have kept them" }).click();

  await page.goto(portalUrl(portal));
  await page.getByLabel("Username").fill("admin");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Code")).toBeFocused();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("The code is wrong");
  await page.getByLabel("Code").fill(code(secret, 1));
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Your API keys" })).toBeVisible();
});
