// Calls every function of the client that was generated from GET /openapi.json, against an
// imgd with -token and -root. The compiler checks the calls against the generated types.
import * as sdk from "./gen/sdk.gen";
import { client } from "./gen/client.gen";

declare const process: { env: Record<string, string>; exit(status: number): never };
declare function require(name: string): any;

const picture = new Blob([require("fs").readFileSync(process.env.PICTURE)]);
client.setConfig({ baseUrl: process.env.BASE, auth: process.env.TOKEN, headers: { Accept: "application/json" } });

// Each function of the client notes that it was called.
const called = new Set<string>();
const api = new Proxy(sdk, { get: (all, name: string) => (called.add(name), (all as any)[name]) });

// same complains if two values differ.
let failed = 0;
function same(what: string, got: unknown, want: unknown) {
  if (JSON.stringify(got) === JSON.stringify(want)) return;
  console.error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  failed++;
}

// pixels returns width and height of a PNG.
async function pixels(data: unknown) {
  const v = new DataView(await (data as Blob).arrayBuffer());
  return v.getUint32(16) + "x" + v.getUint32(20);
}

// The client would read the body of an answer to HEAD, which has none.
const head = { parseAs: "stream" } as const;

const id = () => Array.from(crypto.getRandomValues(new Uint8Array(26)), (b) => "abcdefghijklmnopqrstuvwxyz234567"[b & 31]).join("");

async function drive() {
  same("healthz", (await api.healthz()).response.status, 200);
  same("headHealthz", (await api.headHealthz({ ...head })).response.status, 200);
  same("readyz", (await api.readyz()).data, "ready\n");
  same("headReadyz", (await api.headReadyz({ ...head })).response.status, 200);

  const made = await api.postImage({ body: { image: picture }, query: { gray: "709", scale: "32x24!", format: "png" } });
  same("postImage", [made.response.status, await pixels(made.data), made.response.headers.get("Image-Width")], [200, "32x24", "32"]);
  const put = await api.putImage({ body: picture, query: { crop: "50%x50%", gravity: "30%,70%", scale: "16x", kernel: "box", fast: "1", format: "png", name: "a.jpg" } });
  same("putImage", [put.response.status, await pixels(put.data)], [200, "16x12"]);
  const bad = await api.putImage({ body: new Blob(["no picture"]) });
  same("an error's kind", [bad.response.status, bad.error && typeof bad.error === "object" && bad.error.kind], [415, "format"]);
  const wrong = await api.putImage({ body: picture, query: { scale: "0" } });
  same("an error of the request", [wrong.response.status, wrong.error && typeof wrong.error === "object" && wrong.error.kind], [400, "usage"]);

  for (const [name, info] of [["postInfo", await api.postInfo({ body: { image: picture } })], ["putInfo", await api.putInfo({ body: picture })]] as const) {
    const d = info.data;
    same(name, typeof d === "object" && [d.format, d.width, d.height, d.alpha], ["jpeg", 320, 240, false]);
  }

  const jobs = await api.postJobs({ body: { image: [picture, picture] }, query: { scale: "32x,16x", format: "png" } });
  const refs = typeof jobs.data === "object" ? (jobs.data as sdk_JobRefs).jobs : [];
  same("postJobs", [jobs.response.status, refs.length, refs[1]], [202, 4, refs[0] + "/2"]);
  const own = id();
  for (const again of ["the first time", "again"]) {
    same("putJob " + again, (await api.putJob({ path: { id: own }, body: picture, query: { scale: "8x", format: "png" } })).data, { jobs: [own] });
  }
  const done = (await api.job({ path: { id: own }, query: { wait: 60 } })).data;
  same("job", typeof done === "object" && [done.id, done.state, done.out?.width, done.error], [own, "done", 8, undefined]);
  same("headJob", (await api.headJob({ ...head, path: { id: own } })).response.status, 200);
  const path = { id: refs[0]! };
  const list = (await api.listJobs({ query: { j: [own, path.id, id()], wait: 60 } })).data;
  same("listJobs", list?.jobs.map((j) => j.id), [own, path.id, list?.jobs[2]?.id]);
  same("listJobs of an unknown job", list?.jobs[2]?.state, "gone");
  same("headListJobs", (await api.headListJobs({ ...head, query: { j: [own] } })).response.status, 200);
  const one = await api.jobImage({ path, query: { wait: 60 } });
  same("jobImage", [one.response.status, await pixels(one.data)], [200, "32x24"]);
  same("headJobImage", (await api.headJobImage({ ...head, path })).response.headers.get("Image-Width"), "32");
  const two = await api.jobImageN({ path: { ...path, n: 2 } });
  same("jobImageN", [two.response.status, await pixels(two.data)], [200, "16x12"]);
  same("headJobImageN", (await api.headJobImageN({ ...head, path: { ...path, n: 2 } })).response.headers.get("Image-Width"), "16");
  same("deleteJob", (await api.deleteJob({ path: { id: own } })).response.status, 204);
  const gone = await api.job({ path: { id: own } });
  same("a deleted job", [gone.response.status, gone.error && typeof gone.error === "object" && gone.error.kind], [410, "gone"]);
  same("postDelete", (await api.postDelete({ path })).response.status, 204);

  const file = await api.file({ path: { path: "below/photo.jpg" }, query: { scale: "40x", format: "png" } });
  same("file", [file.response.status, await pixels(file.data)], [200, "40x30"]);
  same("headFile", (await api.headFile({ ...head, path: { path: "below/photo.jpg" } })).response.status, 200);

  same("home", (await api.home({ query: { j: [refs[2]!] } })).response.headers.get("Content-Type"), "application/json");
  same("headHome", (await api.headHome({ ...head })).response.status, 200);
  same("pageFile", (await api.pageFile({ path: { name: "page.css" } })).response.status, 200);
  same("headPageFile", (await api.headPageFile({ ...head, path: { name: "page.css" } })).response.status, 200);
  same("status", String((await api.status()).data).includes("Last errors"), true);
  same("headStatus", (await api.headStatus({ ...head })).response.status, 200);
  same("metrics", String((await api.metrics({ parseAs: "text" })).data).includes("imgtools_jobs"), true);
  same("headMetrics", (await api.headMetrics({ ...head })).response.status, 200);
  same("document", ((await api.document()).data as any)?.openapi, "3.1.0");
  same("headDocument", (await api.headDocument({ ...head })).response.status, 200);

  client.setConfig({ auth: "no token of this server" });
  same("a wrong token", (await api.metrics()).response.status, 401);

  for (const name of Object.keys(sdk)) same(name + " was called", called.has(name), true);
}

type sdk_JobRefs = import("./gen/types.gen").JobRefs;

drive().then(() => {
  console.log(called.size + " operations called, " + failed + " differences");
  process.exit(failed ? 1 : 0);
}, (e) => {
  console.error(e);
  process.exit(1);
});
