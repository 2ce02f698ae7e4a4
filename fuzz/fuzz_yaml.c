/* base/yaml: any bytes give a tree or an error with a place, never a crash. */
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = {0};
    struct error err = {0};
    struct yaml *root = NULL;
    if (yaml_parse(&a, (struct text){(const char *)data, size}, "fuzz", &root, &err) == 0 && root) {
        const struct yaml *list = NULL;
        struct text name = {0};
        (void)yaml_text(root, "name", false, &name, &err);
        (void)yaml_list(root, "fields", false, &list, &err);
    } else if (!err.code) {
        __builtin_trap(); /* a failure without its reason */
    }
    arena_clear(&a);
    return 0;
}
