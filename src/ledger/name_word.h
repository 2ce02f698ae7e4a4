/* ledger, private to name*.c: a character of a name as tone-less pinyin, in one 64-bit word: length + 1 in the highest byte, then up to seven letters. */
#ifndef TOCSIN_LEDGER_NAME_WORD_H
#define TOCSIN_LEDGER_NAME_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The characters that are asked about when the program is built: CJK unified ideographs and their extension A, [NAME_HAN, NAME_HAN_END). */
enum { NAME_HAN = 0x3400, NAME_HAN_END = 0xA000 };
extern const uint16_t name_word_index[2][NAME_HAN_END - NAME_HAN]; /* by: is it the first of the name; then where its word stands */
extern const uint64_t name_word_list[];

/* first: it begins the name, so that a surname is read as one. 0 when ICU cannot be used now. Any thread; takes a lock. */
uint64_t name_word_ask(uint32_t c, bool first);
void name_words_close(void); /* frees what asking took */
uint64_t name_word_pack(const char *s, size_t n); /* n <= 7 */
/* A letter that no rule can read still tells names apart. */
uint64_t name_word_number(uint32_t c);

#endif
