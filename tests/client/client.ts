// A client made from the OpenAPI document alone: openapi-typescript writes api.d.ts, tsc checks this file against it, node runs it.
import createClient from "openapi-fetch";
import type { paths } from "./api";

declare const process: { argv: string[]; exit(code: number): never };
const [, , baseUrl, token] = process.argv;
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}`, "Accept-Language": "en" } });
function fail(why: string): never {
    console.error(why);
    return process.exit(1);
}

const person = await api.POST("/api/v1/registers/person/records", {
    params: { header: { "Idempotency-Key": "client-1" } },
    body: { region: "310115", fields: { name: "李娜", sex: "female" } },
});
if (!person.data) fail(`no person: ${person.error.detail}`);
const twice = await api.POST("/api/v1/registers/person/records", {
    params: { header: { "Idempotency-Key": "client-1" } },
    body: { region: "310115", fields: { name: "李娜", sex: "female" } },
});
if (twice.data!.id !== person.data!.id) fail("the same key made two");

const made = await api.POST("/api/v1/registers/case/records", {
    body: { region: "310115", fields: { person: person.data!.id, disease: "covid-19", classification: "confirmed", report_date: "2022-05-29" } },
});
if (!made.data) fail(`no case: ${made.error.detail}`);
const shown = await api.GET("/api/v1/registers/case/records/{id}", { params: { path: { id: String(made.data!.id) } } });
if (shown.data?.fields.person !== person.data!.id || shown.data.version !== 1) fail("the case is not what was made");

const changed = await api.PATCH("/api/v1/registers/case/records/{id}", {
    params: { path: { id: String(made.data!.id) }, header: { "If-Match": '"9"' } }, body: { fields: { classification: "asymptomatic" } },
});
if (changed.response.status !== 412 || changed.error?.code !== "CONFLICT") fail("a lost update was not caught");

const history = await api.GET("/api/v1/registers/case/records/{id}/history", { params: { path: { id: String(made.data!.id) } } });
const disease: string | null | undefined = history.data?.entries[0]?.after.disease;
if (disease !== "covid-19" || history.data!.entries[0]!.after.person !== person.data!.id) fail("the history does not say what was made");
let job = await api.POST("/api/v1/jobs", { body: { kind: "audit", step: "verify" } });
while (job.data?.state === "queued" || job.data?.state === "running") job = await api.GET("/api/v1/jobs/{id}", { params: { path: { id: job.data.id } } });
if (!job.data?.result.verify?.whole || job.data.result.verify.bad_entry !== 0) fail("the journal is not proved");
console.log("client: fine");
