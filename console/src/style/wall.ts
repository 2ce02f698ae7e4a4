// A board on a wall screen: ?wall=1 in the address, the whole screen, dark; Escape leaves it.
import { computed, onMounted, onUnmounted, watch, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

import { wearWall } from '@/style/look'

export function useWall(): { wall: ComputedRef<boolean>; toWall: (on: boolean) => Promise<void> } {
  const route = useRoute()
  const router = useRouter()
  const wall = computed(() => route.query.wall === '1')
  async function toWall(on: boolean): Promise<void> {
    void router.replace({ query: { ...route.query, wall: on ? '1' : undefined } })
    try {
      if (on) await document.documentElement.requestFullscreen()
      else if (document.fullscreenElement) await document.exitFullscreen()
    } catch {
      // a browser that refuses leaves the wall in its window
    }
  }
  function key(e: KeyboardEvent): void {
    if (e.key === 'Escape' && wall.value) void toWall(false)
  }
  const own = {}
  watch(wall, (on) => wearWall(own, on), { immediate: true })
  onMounted(() => window.addEventListener('keydown', key))
  onUnmounted(() => {
    window.removeEventListener('keydown', key)
    wearWall(own, false)
  })
  return { wall, toWall }
}
