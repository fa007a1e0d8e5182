// SPDX-License-Identifier: Apache-2.0
// A server with the API of configs/openapi.json whose runs are simulated. It sends the built page as `lucid serve` does,
// with its content security policy. `node mock_server.mjs [PORT]` serves it to look at.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { torus } from "./make_assets.mjs";
import { ring, spz } from "./mock_assets.mjs";
import { FramePacker } from "./mock_frames.mjs";
import { options } from "./mock_options.mjs";
import { cloud, colourOf, kEditSteps, kSteps, MockRuns } from "./mock_runs.mjs";
import { MockSocket } from "./mock_socket.mjs";

const kBuilt = fileURLToPath(new URL("../../build/web/", import.meta.url));
const kPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; style-src 'self'; img-src 'self' blob: data:; " +
  "font-src 'self'; connect-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const kFormats = [
  ["glb", ".glb", "mesh", "textured mesh, binary glTF: Blender, Unity, three.js"],
  ["obj", ".obj", "mesh", "textured mesh, with .mtl and .png beside it"],
  ["stl", ".stl", "mesh", "mesh without colours, in millimetres, for 3D printing"],
  ["mesh-ply", ".ply", "mesh", "mesh with vertex colours"],
  ["spz", ".spz", "splats", "compressed Gaussians (Niantic), for web and phones"],
  ["splat", ".splat", "splats", "Gaussians without view dependence, 32 bytes each"],
  ["splat-ply", ".ply", "splats", "Gaussians as 3D Gaussian Splatting PLY"],
  ["splat-glb", ".glb", "splats", "Gaussians as glTF, KHR_gaussian_splatting"],
  ["points-ply", ".ply", "points", "coloured points, which any 3D program shows"],
].map(([name, extension, holds, about]) => ({ name, extension, holds, about }));
const kVocabulary = {
  names: ["apple", "armchair", "banana", "castle", "chair", "hamburger", "helicopter", "teapot", "teddy bear", "toy car", "tree"],
  colours: ["blue", "brown", "green", "red", "white", "yellow"],
  examples: ["a teddy bear", "a red toy car", "a green armchair"],
};
const kPassing = new Set("a an the of on with and in photo dslr very".split(" "));

class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export class MockServer {
  token = "secret";
  about = {
    program: "lucid 0.1.0",
    mode: "studio",
    output: "output",
    devices: ["cpu"],
    on_network: false,
    presets: Object.entries(kSteps).map(([name, steps]) => ({ name, steps })),
    queue_limit: 100,
  };
  scenes = [];
  frameless = new Set(); // runs without a live frame, as those of the command line
  asked = []; // "POST /api/v1/runs"
  bodies = []; // of requests that had one
  keys = new Map(); // Idempotency-Key to run
  silent = 0; // requests of POST runs that are cut off after they took effect
  watched = []; // the newest list of each socket
  packed = false; // whether frames are packed for the network, unless a client says otherwise
  kinds = []; // of packed frames that were sent: "key" or "delta"
  exportTime = 250; // milliseconds of each stage
  sockets = new Set();
  exports = new Map(); // "ID FORMAT" to the state
  tickets = new Map();
  sent = 0; // bytes of the page's files

  constructor(tick) {
    this.runs = new MockRuns(tick);
    this.runs.onChange = (run) => this.broadcast({ event: "run", run: this.runs.public(run) });
    this.runs.onRemove = (id) => this.broadcast({ event: "removed", id });
    this.runs.onFrame = (run) => this.sendFrame(run);
  }

  async listen(port = 0) {
    this.server = createServer((request, response) => void this.answer(request, response));
    this.server.on("upgrade", (request, socket) => this.welcome(new MockSocket(request, socket)));
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.port = this.server.address().port;
    return `http://127.0.0.1:${this.port}/#t=${this.token}`;
  }

  /** Ends all connections, as a server that is killed. listen() brings it back. */
  async down() {
    for (const { socket } of this.sockets) socket.socket.destroy();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  async close() {
    this.runs.close();
    await this.down();
  }

  welcome(socket) {
    const client = { socket, trusted: false, list: [], serial: 0 };
    socket.onText = (text) => {
      const message = JSON.parse(text);
      if (!client.trusted) {
        if (message.token !== this.token) return socket.close(1008);
        client.trusted = true;
        this.sockets.add(client);
        const runs = this.runs.list.map(this.runs.public);
        return socket.send(JSON.stringify({ event: "runs", revision: this.runs.revision, runs }));
      }
      client.list = message.watch;
      client.serial = message.serial;
      client.packers = (message.packed ?? this.packed) ? client.list.map(() => new FramePacker()) : null;
      this.watched.push(message.watch);
      for (const id of client.list) if (this.runs.find(id)?.has_asset) this.sendFrame(this.runs.find(id));
    };
    socket.onClose = () => this.sockets.delete(client);
  }

  broadcast(event) {
    for (const { socket } of this.sockets) socket.send(JSON.stringify(event));
  }

  sendFrame(run) {
    for (const { socket, list, serial, packers } of this.sockets) {
      const index = list.indexOf(run.id);
      if (index < 0) continue;
      const frame = this.runs.frame(run, { index, serial });
      const packed = packers?.[index].pack(frame);
      if (packed) this.kinds.push(packed.kind);
      socket.send(packed?.bytes ?? frame);
    }
  }

  async answer(request, response) {
    const url = new URL(request.url, "http://localhost");
    const send = (status, type, body, headers = {}) => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store", ...headers });
      response.end(body);
    };
    try {
      if (!url.pathname.startsWith("/api/")) return await this.file(url.pathname, send);
      const ticket = this.tickets.get(url.searchParams.get("ticket"));
      if (request.headers.authorization !== `Bearer ${this.token}` && ticket !== url.pathname) {
        throw new Problem(401, "The token is missing or wrong.");
      }
      let body = "";
      for await (const bytes of request) body += bytes;
      const path = url.pathname.slice("/api/v1/".length);
      this.asked.push(`${request.method} ${path}`);
      if (body) this.bodies.push({ path, ...JSON.parse(body) });
      const asked = { method: request.method, path, query: url.searchParams, body: body ? JSON.parse(body) : {}, headers: request.headers };
      const result = this.api(asked);
      if (result === undefined) return request.socket.destroy();
      const [status, value, type = "application/json", headers = {}] = result;
      if (value === null) response.writeHead(status).end();
      else send(status, type, Buffer.isBuffer(value) ? value : JSON.stringify(value), headers);
    } catch (error) {
      const status = error.status ?? 500;
      if (status === 500) console.error(error);
      send(status, "application/problem+json", JSON.stringify({ type: "urn:lucid:problem:mock", title: "Refused", status, detail: error.message }));
    }
  }

  async file(pathname, send) {
    const { files } = JSON.parse(await readFile(`${kBuilt}manifest.json`, "utf8"));
    const name = pathname.slice(1) || "index.html";
    if (!(name in files)) return send(404, "text/plain", "no such file");
    const bytes = await readFile(`${kBuilt}${name}.br`);
    this.sent += bytes.length;
    send(200, files[name].type, bytes, { "content-encoding": "br", "content-security-policy": kPolicy });
  }

  /** [status, body, type, headers], or undefined to cut the connection. */
  api(asked) {
    const { method, path, query, body } = asked;
    const bytes = "application/octet-stream";
    if (path === "about") return [200, this.about];
    if (path === "options") return [200, { preset: query.get("preset"), options: this.optionsOf(query.get("preset")) }];
    if (path === "vocabulary") return [200, kVocabulary];
    if (path === "vocabulary/check") return [200, this.check(query.get("prompt"))];
    if (path === "formats") return [200, { formats: kFormats }];
    if (path === "scenes") return [200, { scenes: this.scenes.map(({ bytes: _, ...scene }) => scene) }];
    if (path.startsWith("scenes/")) return [200, this.scenes[Number(path.slice(7))].bytes, bytes];
    if (path === "tickets") {
      const ticket = `ticket${this.tickets.size}`;
      this.tickets.set(ticket, body.path);
      return [201, { ticket, url: `${body.path}?ticket=${ticket}`, seconds: 30 }];
    }
    if (path === "queue") return [200, { ids: this.runs.order(body.ids) }];
    if (path === "runs" && method === "POST") return this.make(asked);
    const [, id, what, name] = path.split("/");
    const run = this.runs.find(id);
    if (!run) throw new Problem(404, `There is no run ${id}.`);
    const state = (next) => {
      this.runs.set(run, next);
      return [200, this.runs.public(run)];
    };
    if (method === "DELETE") {
      this.runs.remove(run);
      return [204, null];
    }
    if (what === "pause") return state("pausing");
    if (what === "resume") return state("queued");
    if (what === "stop") return state(run.state === "running" ? "stopping" : "stopped");
    if (what === "continue") {
      run.steps += body.steps;
      return state("queued");
    }
    if (what === "again") {
      const seed = String(run.seed + 1000);
      return [201, this.runs.public(this.runs.make(run.prompt, { ...run.options, preset: run.preset, seed }, { parent: run.id }))];
    }
    if (what === "splats") {
      if (this.frameless.has(id) || !run.has_asset) throw new Problem(404, "There is no live frame.");
      return [200, this.runs.frame(run), bytes];
    }
    if (what === "pictures") return [200, this.runs.picture(run, name), "image/png"];
    if (what === "render") return [200, ring(colourOf(run.prompt), { ...body, share: run.step / run.steps }), "image/png"];
    if (what === "exports" && method === "POST") return this.makeExport(run, body.format);
    if (what === "exports") return [200, name ? this.exportOf(run, name) : { exports: kFormats.map((format) => this.exportOf(run, format.name)) }];
    if (what === "files") return this.download(run, name);
    throw new Problem(404, `There is no ${path}.`);
  }

  optionsOf(preset) {
    const edits = preset.startsWith("edit");
    const own = { iterations: edits ? kEditSteps : kSteps[preset], ...(edits && { keep: preset === "edit" ? 0.1 : 0 }) };
    return options
      .filter(({ group }) => edits || group !== "Editing")
      .map((option) => (option.name in own ? { ...option, value: String(own[option.name]) } : option));
  }

  make({ body, headers }) {
    const key = headers["idempotency-key"];
    if (key && this.keys.has(key)) return [200, this.runs.public(this.keys.get(key))];
    const scale = Number(body.options?.guidance_scale ?? 1);
    if (scale === 13) throw new Problem(400, "guidance_scale: 13 brings bad luck (choose another number)");
    const source = this.runs.find(body.edit_of);
    if (source?.prompt === body.prompt) throw new Problem(400, `to: '${body.prompt}' is what the asset shows already`);
    const run = this.runs.make(body.prompt, body.options ?? {}, { source });
    if (key) this.keys.set(key, run);
    if (this.silent-- > 0) return undefined;
    return [201, this.runs.public(run)];
  }

  check(prompt) {
    const known = new Set([...kVocabulary.names, ...kVocabulary.colours].flatMap((each) => each.split(" ")));
    const words = prompt.toLowerCase().split(/\W+/).filter((word) => word && !kPassing.has(word));
    const unknown = words.filter((word) => !known.has(word));
    const near = (word) => [...known].filter((each) => each.startsWith(word.slice(0, 3)));
    return { unknown: unknown.map((word) => ({ word, near: near(word) })), nothing_known: words.length > 0 && unknown.length === words.length };
  }

  exportOf = (run, format) =>
    this.exports.get(`${run.id} ${format}`) ?? { format, state: "absent", stage: "", file: null, bytes: null, error: null, step: null };

  setExport(run, state) {
    this.exports.set(`${run.id} ${state.format}`, state);
    this.broadcast({ event: "export", id: run.id, export: state });
  }

  makeExport(run, format) {
    const before = this.exportOf(run, format);
    if (before.state === "done" && before.step === run.step) return [200, before];
    const { extension } = kFormats.find(({ name }) => name === format);
    const state = (part) => ({ ...before, format, error: null, ...part });
    const bytes = format === "spz" ? spz(cloud(run.prompt, run.step / run.steps)).length : 123456;
    const stages = [
      state({ state: "working", stage: "marching cubes" }),
      state({ state: "working", stage: "writing the file" }),
      state({ state: "done", stage: "", file: `${format}${extension}`, bytes, step: run.step }),
    ];
    stages.forEach((each, i) => setTimeout(() => this.setExport(run, each), (i + 1) * this.exportTime));
    this.setExport(run, state({ state: "queued", stage: "" }));
    return [202, this.exportOf(run, format)];
  }

  download(run, name) {
    const headers = { "content-disposition": `attachment; filename="${run.id}-${name}"` };
    const body = name === "spz.spz" ? spz(cloud(run.prompt, run.step / run.steps)) : Buffer.alloc(123456, name);
    return [200, body, "application/octet-stream", headers];
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = new MockServer();
  for (const colour of ["red", "blue"]) server.runs.finished(`a ${colour} toy car`, { preset: "draft" });
  server.scenes = [{ title: "torus", kind: "spz", path: "/api/v1/scenes/0", theta: 75, phi: 25, bytes: spz(torus(3000)) }];
  console.log(await server.listen(Number(process.argv[2] ?? 8800)));
}
