// Something asked of the server: `busy` while it is under way, `problem` what came in the way, for <problem-note>.
import { ref } from 'vue'

export function useTried() {
  const busy = ref(false)
  const problem = ref<unknown>(null)
  async function tried(run: () => Promise<unknown>): Promise<void> {
    busy.value = true
    problem.value = null
    try {
      await run()
    } catch (e) {
      problem.value = e
    } finally {
      busy.value = false
    }
  }
  return { busy, problem, tried }
}
