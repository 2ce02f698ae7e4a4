/* Part of the build, not of the program: writes the table of Han characters and their pinyin (name_word.h) as C to its output. */
#include <stdio.h>

#include "ledger/name_word.h"

enum { WORDS_MAX = 65535, SLOTS = 1 << 17 };

static uint64_t list[WORDS_MAX];
static uint16_t index_of[2][NAME_HAN_END - NAME_HAN];
static struct { uint64_t word; uint16_t at; } slots[SLOTS];
static size_t n;

static int place(uint64_t word, uint16_t *ret) {
    size_t i = (size_t)((word * 0x9E3779B97F4A7C15u) >> 47);
    while (slots[i].word && slots[i].word != word) i = (i + 1) % SLOTS;
    if (!slots[i].word) {
        if (n == WORDS_MAX) return 1;
        list[n] = slots[i].word = word;
        slots[i].at = (uint16_t)n++;
    }
    *ret = slots[i].at;
    return 0;
}

int main(void) {
    for (int first = 0; first < 2; first++)
        for (uint32_t c = NAME_HAN; c < NAME_HAN_END; c++) {
            uint64_t word = name_word_ask(c, first);
            if (word && place(word, &index_of[first][c - NAME_HAN]) == 0) continue;
            fprintf(stderr, "name_make: ICU does not say how U+%04X is read\n", (unsigned)c);
            return 1;
        }
    name_words_close();
    printf("/* Made by name_make.c. */\n#include \"ledger/name_word.h\"\n\nconst uint64_t name_word_list[] = {");
    for (size_t i = 0; i < n; i++) printf("%s0x%llxu,", i % 6 ? "" : "\n", (unsigned long long)list[i]);
    printf("\n};\n\nconst uint16_t name_word_index[2][NAME_HAN_END - NAME_HAN] = {");
    for (int first = 0; first < 2; first++) {
        printf("\n{");
        for (size_t i = 0; i < NAME_HAN_END - NAME_HAN; i++) printf("%s%u,", i % 20 ? "" : "\n", (unsigned)index_of[first][i]);
        printf("\n},");
    }
    printf("\n};\n");
    return 0;
}
