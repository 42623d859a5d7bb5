// Looks at finished reports in Chromium, as their readers do: does anything
// stand out over the edge, does the console say a word, does a request leave
// the page, what does axe find? Run by `make web`. Without a browser it says so
// and ends well. It talks to Chromium through a pipe and needs no package.
//
//   node tests/web/check.mjs FOLDER [AXE.js]
//
// FOLDER holds reports; of each the index and one page of every sort is opened.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, axeFile] = process.argv.slice(2);
const browser = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"]
  .find((name) => name && spawnSync(name, ["--version"]).status === 0);
if (!browser) {
  console.log("SKIPPED: no Chromium is installed, so no page was looked at. Install one, or name it in CHROMIUM.");
  process.exit(0);
}
if (!folder || !existsSync(folder)) {
  console.error("usage: check.mjs FOLDER-OF-REPORTS [axe.min.js]");
  process.exit(2);
}
const axe = axeFile && existsSync(axeFile) ? readFileSync(axeFile, "utf8") : null;
if (!axe) console.log("axe-core is not there: accessibility is not checked.");

// One page of every sort and of every report.
const pages = [];
const visit = (dir) => {
  const entries = readdirSync(dir).sort();
  const files = entries.filter((name) => name.endsWith(".html"));
  const inSort = ["devices", "sites", "roles", "weeks", "months"].includes(dir.split("/").pop());
  for (const name of inSort ? files.slice(-1) : files) pages.push(join(dir, name));
  for (const name of entries) if (statSync(join(dir, name)).isDirectory()) visit(join(dir, name));
};
visit(resolve(folder));

const profile = mkdtempSync(join(tmpdir(), "driftcast-web-"));
const chromium = spawn(browser, [
  "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe",
  `--user-data-dir=${profile}`, "about:blank",
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
let next = 0;
let rest = "";
const waiting = new Map();
const heard = [];
chromium.stdio[4].on("data", (data) => {
  rest += data;
  for (let end; (end = rest.indexOf("\0")) >= 0; rest = rest.slice(end + 1)) {
    const message = JSON.parse(rest.slice(0, end));
    if (message.id) {
      const [good, bad] = waiting.get(message.id);
      waiting.delete(message.id);
      message.error ? bad(new Error(message.error.message)) : good(message.result);
    } else heard.push(message);
  }
});
const ask = (method, params = {}, sessionId) => new Promise((good, bad) => {
  waiting.set(++next, [good, bad]);
  chromium.stdio[3].write(JSON.stringify({ id: next, method, params, sessionId }) + "\0");
});
const until = async (method, seconds) => {
  for (let i = 0; i < seconds * 50; i++) {
    if (heard.some((m) => m.method === method)) return;
    await new Promise((go) => setTimeout(go, 20));
  }
  throw new Error(`${method} did not come within ${seconds} s`);
};

const faults = [];
let looks = 0;
const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
const tab = (method, params) => ask(method, params, sessionId);
const run = async (expression) => {
  const said = await tab("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (said.exceptionDetails) throw new Error(said.exceptionDetails.exception?.description ?? "failed in the page");
  return said.result.value;
};
for (const domain of ["Page", "Runtime", "Log", "Network"]) await tab(`${domain}.enable`);

// What is wider than the window, or is cut by its own box.
const OVERFLOW = `(() => {
  const wide = document.documentElement.scrollWidth;
  if (wide <= innerWidth) return null;
  const culprit = [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).pop();
  return wide + " px wide in a window of " + innerWidth + ", by <" + culprit?.tagName.toLowerCase() + " class='" + culprit?.className + "'> " + culprit?.textContent.trim().slice(0, 40);
})()`;
// A row that is taller than a sheet of A4 would be cut wherever it stands.
const TALL = `(() => {
  const row = [...document.querySelectorAll("tr")].find((e) => e.getBoundingClientRect().height > 1017);
  return row ? "a row is taller than a page: " + row.textContent.trim().slice(0, 40) : null;
})()`;
const AXE = `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations
  .filter((v) => ["serious", "critical"].includes(v.impact))
  .map((v) => v.id + " x" + v.nodes.length + ": " + v.nodes[0].html.slice(0, 120) + " " + (v.nodes[0].any[0]?.message ?? "")))`;

for (const page of pages) {
  const name = relative(resolve(folder), page);
  const url = pathToFileURL(page).href;
  for (const media of ["light", "dark", "print"]) {
    await tab("Emulation.setEmulatedMedia", media === "print"
      ? { media: "print" }
      : { media: "", features: [{ name: "prefers-color-scheme", value: media }] });
    // A4 less its margins is 688 px wide.
    for (const width of media === "print" ? [688] : [360, 768, 1440]) {
      await tab("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
      heard.length = 0;
      await tab("Page.navigate", { url });
      await until("Page.loadEventFired", 30);
      looks++;
      const fault = (text) => faults.push(`${name}, ${media}, ${width} px: ${text}`);
      const overflow = await run(OVERFLOW);
      if (overflow) fault(overflow);
      if (media === "print") {
        const tall = await run(TALL);
        if (tall) fault(tall);
        const sheet = { paperWidth: 8.27, paperHeight: 11.69, preferCSSPageSize: true, printBackground: false };
        const { data } = await tab("Page.printToPDF", sheet);
        const paper = Buffer.from(data, "base64").toString("latin1");
        if (!paper.startsWith("%PDF")) fault("it does not print");
        // What is too wide is not cut but shrunk: then a sheet is no longer A4.
        const box = paper.match(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/);
        if (!box || Math.abs(box[1] - 595) > 2) fault(`it is not printed on A4: ${box?.[0]}`);
      }
      if (axe && width !== 768 && media !== "print") {
        await run(axe + "; null");
        for (const finding of await run(AXE)) fault(`axe ${finding}`);
      }
      for (const { method, params } of heard) {
        if (method === "Log.entryAdded") fault(`console: ${params.entry.text}`);
        if (method === "Runtime.consoleAPICalled") fault(`console: ${params.args[0]?.value}`);
        if (method === "Runtime.exceptionThrown") fault(`error: ${params.exceptionDetails.text}`);
        if (method === "Network.requestWillBeSent") {
          const asked = params.request.url;
          if (asked !== url && !asked.startsWith("data:")) fault(`a request leaves the page: ${asked}`);
        }
      }
    }
  }
}
await ask("Browser.close").catch(() => {});
await new Promise((gone) => chromium.exitCode === null ? chromium.on("exit", gone) : gone());
rmSync(profile, { recursive: true, force: true });
for (const fault of faults) console.log(fault);
console.log(`${pages.length} pages, ${looks} looks, ${faults.length} faults${axe ? "" : " (without axe)"}`);
process.exit(faults.length ? 1 : 0);
