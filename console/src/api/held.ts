// The types that are written out here, because screens say more of an answer than its document (which of two codes, what may be null), are held to the document: each name they read is one that it tells,
// a list where it tells a list and a number where it tells a number. What differs fails the build and is named; so does an object of which the document does not tell what is in it. Types only; nothing of
// it is loaded.
import type { CurveByClass, Owner, Summary } from '@/api/board'
import type { DutyTold, HistoryEntry } from '@/api/case'
import type { DutyPage, Policies, Policy } from '@/api/duties'
import type { Code, Register, Row } from '@/api/registers'
import type { Figures } from '@/api/report'
import type { Told } from '@/api/told'
import type { Accepted, Board as Tracing, ChainPart, Chains, PlaceAtRisk, Sources, Timeline, Traced, Visitors } from '@/api/tracing'
import type { Pools } from '@/parts/testing/pool-table.vue'
import type { Plan } from '@/screens/planner.vue'
import type { Account } from '@/session'

type Kind<V> = V extends string ? 'text' : V extends number ? 'number' : V extends boolean ? 'truth' : V extends readonly unknown[] ? 'list' : 'object'
/** Names of ours that the document does not tell, with the way to them. */
type Astray<Ours, Theirs, At extends string> = unknown extends Theirs
  ? never
  : [Kind<Ours>] extends [Kind<Theirs>]
    ? Ours extends readonly (infer A)[]
      ? Theirs extends readonly (infer B)[]
        ? Astray<NonNullable<A>, NonNullable<B>, `${At}[]`>
        : never
      : Ours extends object
        ? string extends keyof Ours
          ? never
          : string extends keyof Theirs
            ? `${At}: the document does not tell what is in it`
          : { [K in keyof Ours & string]-?: K extends keyof Theirs ? Astray<NonNullable<Ours[K]>, NonNullable<Theirs[K]>, `${At}.${K}`> : `${At}.${K}` }[keyof Ours & string]
        : never
    : `${At}: ${Kind<Ours>}, not ${Kind<Theirs>}`
type None<Of extends never> = Of
export type Held = [
  None<Astray<Summary, Told['ObligationSummary'], 'Summary'>>,
  None<Astray<{ owners: Owner[] }, Told['ObligationOwners'], 'Owners'>>,
  None<Astray<CurveByClass, Told['Curve'], 'Curve'>>,
  None<Astray<{ obligations: DutyTold[] }, Told['RecordDuties'], 'RecordDuties'>>,
  None<Astray<DutyPage, Told['Obligations'], 'Obligations'>>,
  None<Astray<Policies, Told['Policies'], 'Policies'>>,
  None<Astray<Policy, Told['Policy'], 'Policy'>>,
  None<Astray<Register, Told['RegisterDeclaration'], 'Register'>>,
  None<Astray<Row, Told['Case'], 'Row'>>,
  None<Astray<{ entries: HistoryEntry[] }, Told['CaseHistory'], 'History'>>,
  None<Astray<{ codes: Code[] }, Told['Codes'], 'Codes'>>,
  None<Astray<Figures, Told['Bulletin'], 'Bulletin'>>,
  None<Astray<Accepted, Told['TraceAccepted'], 'Accepted'>>,
  None<Astray<Tracing, Told['TracingBoard'], 'TracingBoard'>>,
  None<Astray<Chains, Told['ChainSummary'], 'Chains'>>,
  None<Astray<ChainPart, Told['ChainPart'], 'ChainPart'>>,
  None<Astray<{ places: PlaceAtRisk[] }, Told['PlacesAtRisk'], 'Places'>>,
  None<Astray<Sources, Told['ChainSources'], 'Sources'>>,
  None<Astray<Timeline, Told['CaseTimeline'], 'Timeline'>>,
  None<Astray<Traced, Told['TraceAnswer'], 'Traced'>>,
  None<Astray<Visitors, Told['VisitorsAnswer'], 'Visitors'>>,
  None<Astray<Account, Told['Session'], 'Session'>>,
  None<Astray<Plan, Told['CampaignPlan'], 'Plan'>>,
  None<Astray<Pools, Told['Pooling'], 'Pools'>>,
]
