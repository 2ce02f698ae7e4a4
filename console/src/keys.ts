// The keys of what is on the screen: each part that has some says so, and `?` shows them all (parts/key-help.vue).
import { onUnmounted, ref, shallowReactive } from 'vue'

export interface KeyList {
  /** Key under `keys.of`. */
  of: string
  /** What is pressed, and what it does. */
  keys: () => [string, string][]
}
export const keyLists = shallowReactive(new Set<KeyList>())
export const helping = ref(false)

export function useKeys(of: string, keys: KeyList['keys']): void {
  const list = { of, keys }
  keyLists.add(list)
  onUnmounted(() => keyLists.delete(list))
}
/** True where letters are typed: there a key is a letter. */
export function typing(e: KeyboardEvent): boolean {
  const on = e.target as HTMLElement
  return on.matches('textarea, select, [contenteditable], .el-select *, input:not([type=checkbox], [type=radio], [type=range], [type=file])')
}
