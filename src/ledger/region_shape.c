#include "ledger/region_shape.h"

const struct db_table *region_shape_table(void) {
    static const struct db_column columns[] = {{"region", COLUMN_TEXT, true}, {"shape", COLUMN_TEXT, true}, {"changed_at", COLUMN_INT, true}};
    static const struct db_table table = {.name = "region_shape", .key = "region", .n_columns = 3, .columns = columns};
    return &table;
}
