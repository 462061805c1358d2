// The portal's pages in both themes and at two sizes: nothing that keeps anybody out (axe), nothing wider than the screen; whose pages
// they are; what others put into names, and what other pages try with these.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { act, COLOR, comeIn, expect, generate, link, OPERATOR, portalUrl, signIn, test, withPortal } from "./portal";
import { elsewhere, type Keyward } from "./server";
import { done, SCRIPTS } from "./test";

const SIZES = [
  { width: 1280, height: 860 },
  { width: 390, height: 844 },
];

async function looks(page: Page, what: string): Promise<void> {
  await expect(page.locator("main[aria-busy=true], main [aria-busy=true]"), what).toHaveCount(0);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    const where = `${what}, ${size.width} px`;
    // What stands at a place of its own, such as a menu, comes to the new one a moment later.
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await expect.poll(wide, where).toBeLessThanOrEqual(0);
    // What passes the focus on as soon as it has it.
    const { violations } = await new AxeBuilder({ page }).exclude("[data-base-ui-focus-guard]").analyze();
    const serious = violations.filter((one) => one.impact === "serious" || one.impact === "critical");
    expect(
      serious.map((one) => `${where}: ${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`),
      where,
    ).toEqual([]);
  }
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`nobody is kept out of a page of the portal (${colorScheme})`, async ({ page }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const portal = await withPortal();
    try {
      await page.goto(portalUrl(portal));
      await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
      await looks(page, "sign-in");
      await page.getByLabel("Username").fill("ada");
      await page.getByLabel("Password").fill("not the password");
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await looks(page, "a wrong password");
      await page.goto("about:blank");
      await page.goto(link(portal));
      await expect(page.getByRole("button", { name: "Come in" })).toBeVisible();
      await looks(page, "a link");
      await page.goto("about:blank");
      await page.goto(`${portalUrl(portal)}#/enter/kwprt_guess`);
      await page.getByRole("button", { name: "Come in" }).click();
      await expect(page.getByRole("alert")).toContainText("Ask whoever sent it for another");
      await looks(page, "a link that is none");
      await comeIn(page, portal);
      await expect(page.getByRole("heading", { name: "No API keys yet" })).toBeVisible();
      await looks(page, "no keys");
      await affairs(page, portal);
    } finally {
      await portal.away();
    }
  });
}

async function affairs(page: Page, portal: Keyward): Promise<void> {
  await page.getByRole("button", { name: "Generate API key" }).click();
  await looks(page, "the form");
  await page.getByLabel("Name").fill("seen by everybody, on a machine with a long name, for the nightly export");
  await page.getByLabel("May be used from").fill("nowhere");
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await looks(page, "the form, refused");
  await page.getByLabel("May be used from").fill("");
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  await looks(page, "a key just made");
  await done(page);
  await looks(page, "keys");
  const dots = page.getByRole("button", { name: /^Actions/ });
  await dots.click();
  await expect(page.getByRole("menuitem", { name: "Revoke…" })).toBeVisible();
  await looks(page, "a menu");
  await page.getByRole("menuitem", { name: "Revoke…" }).click();
  await expect(page.getByRole("alertdialog")).toBeVisible();
  await looks(page, "a question");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("while signed out");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
  await looks(page, "a session that ended");
  await page.getByRole("button", { name: "Leave instead" }).click();
  await signIn(page, portal);
  await portal.stop();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByText("The server does not answer. This page goes on")).toBeVisible();
  await expect(page.getByText("You are still signed in")).toBeVisible();
  await looks(page, "a server that is gone");
}

test("the pages are the operator's: name, picture, colour", async ({ page, portal }) => {
  await page.goto(portalUrl(portal));
  await expect(page).toHaveTitle(OPERATOR);
  await expect(page.getByRole("banner")).toContainText(OPERATOR);
  const picture = page.getByRole("banner").locator("img");
  await expect(async () => {
    expect(await picture.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBeGreaterThan(0);
  }).toPass({ timeout: 5000 });
  const shown = "rgb(11, 87, 208)";
  expect(COLOR).toBe("#0b57d0");
  await expect(page.getByRole("banner")).toHaveCSS("border-top-color", shown);
  await expect(page.getByRole("button", { name: "Sign in" })).toHaveCSS("background-color", shown);
  await signIn(page, portal);
  await page.getByRole("button", { name: "Generate API key" }).click();
  await expect(page.getByRole("button", { name: "Generate", exact: true })).toHaveCSS("background-color", shown);
});

test("what is written into names stays text, and a picture runs nothing", async ({ page }) => {
  const [name = ""] = SCRIPTS;
  const bad = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>`;
  const ran: string[] = [];
  const portal = await withPortal({ name, logo: bad });
  try {
    for (const text of SCRIPTS) {
      portal.run("account", "add", text);
      portal.run("key", "create", text, "--owner", "ada");
      await comeIn(page, portal, text);
      await expect(page.getByRole("heading", { name: text, level: 1 })).toBeVisible();
      await expect(page).toHaveTitle(name);
    }
    await page.context().clearCookies();
    await signIn(page, portal);
    for (const text of SCRIPTS) await expect(page.getByText(text, { exact: true }).first()).toBeVisible();
    await act(page, name, "Revoke…");
    await expect(page.getByRole("alertdialog")).toContainText(name);
    await page.getByRole("button", { name: "Cancel" }).click();
    await generate(page, name);
    await expect(page.getByRole("heading", { name: `“${name}” is ready` })).toBeVisible();
    expect(await page.locator("main img, main script, svg[onload], [role=dialog] img").count()).toBe(0);
    // By itself, where it is a page of its own.
    const picture = await page.context().newPage();
    picture.on("dialog", () => ran.push("the picture"));
    await picture.goto(`${portalUrl(portal)}logo`);
    expect(ran).toEqual([]);
  } finally {
    await portal.away();
  }
});

test("without a picture there is none", async ({ page }) => {
  const portal = await withPortal({ logo: null });
  try {
    await page.goto(portalUrl(portal));
    await expect(page.getByRole("banner")).toContainText(OPERATOR);
    await expect(page.locator("img")).toHaveCount(0);
  } finally {
    await portal.away();
  }
});

test("no page of another origin can hold the portal in a frame, or use its session", async ({
  page,
  portal,
  context,
}) => {
  const frame = await elsewhere(`<iframe src="${portalUrl(portal)}" width="800" height="600"></iframe>`);
  await signIn(page, portal);
  const evil = await context.newPage();
  await evil.goto(frame.url);
  await expect.poll(() => evil.frames()[1]?.url()).toContain("chrome-error:");
  const tried = await evil.evaluate(async (data) => {
    const send = async (path: string, init: RequestInit): Promise<string> => {
      try {
        return String((await fetch(`${data}/_keyward${path}`, { credentials: "include", ...init })).status);
      } catch {
        return "blocked";
      }
    };
    const body = '{"name":"forged"}';
    return [
      await send("/api-keys", {}),
      await send("/api-keys", { method: "POST", body, headers: { "Content-Type": "application/json" } }),
      await send("/api-keys", { method: "POST", body, mode: "no-cors" }),
      await send("/logout", { method: "POST", mode: "no-cors" }),
    ];
  }, portal.dataUrl);
  expect(tried.filter((one) => one !== "blocked" && one !== "0")).toEqual([]);
  expect(portal.run("key", "list", "--json")).not.toContain("forged");
  await page.reload();
  await expect(page.getByRole("banner")).toContainText("ada");
  await evil.close();
  frame.close();
});
