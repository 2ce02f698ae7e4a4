// Something asked of the server: `busy` while it is under way, `problem` what came in the way, for <problem-note>.
import { ref } from 'vue'

export function useTried() {
  const busy = ref(false)
  const problem = ref<unknown>(null)
  /** `mine`: whether it is still asked for (latest.ts); what comes in the way of something that is not is nobody's. */
  async function tried(run: () => Promise<unknown>, mine: () => boolean = () => true): Promise<void> {
    busy.value = true
    problem.value = null
    try {
      await run()
    } catch (e) {
      if (mine()) problem.value = e
    } finally {
      if (mine()) busy.value = false
    }
  }
  return { busy, problem, tried }
}
