// Which round a screen of testing is about: the one in the address, else the one under way. Read again when something of testing happened, at most once in `calm` ms,
// never two readings at a time.
import { computed, onMounted, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

import { useEvents } from '@/api/events'
import { roundsAll, type Round } from '@/api/testing'

const heard = ['tube', 'swab', 'queue_report', 'tube_result', 'lab_run', 'box', 'round', 'site', 'site_table', 'untested', 'sampler_shift', 'mobile_team']
export interface RoundChoice {
  rounds: ShallowRef<Round[] | null>
  round: ComputedRef<Round | null>
  problem: Ref<unknown>
  choose: (id: number) => void
  load: () => Promise<void>
}
export function useRound(read: (round: Round) => Promise<void>, calm = 4000): RoundChoice {
  const route = useRoute()
  const router = useRouter()
  const rounds = shallowRef<Round[] | null>(null)
  const problem = ref<unknown>(null)
  const round = computed(() => rounds.value?.find((r) => r.id === Number(route.query.round)) ?? rounds.value?.[0] ?? null)
  let busy = false
  let again = false
  async function load(): Promise<void> {
    if (busy) {
      again = true
      return
    }
    busy = true
    try {
      do {
        again = false
        rounds.value ??= await roundsAll()
        if (round.value) await read(round.value)
        problem.value = null
      } while (again)
    } catch (e) {
      problem.value = e
    } finally {
      busy = false
    }
  }
  onMounted(load)
  watch(
    () => round.value?.id,
    (id, was) => was !== undefined && id !== was && void load(),
  )
  useEvents(() => void load(), calm, (e) => !!e.register && heard.includes(e.register))
  return { rounds, round, problem, choose: (id) => void router.replace({ query: { ...route.query, round: String(id), street: undefined } }), load }
}
