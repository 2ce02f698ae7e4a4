/* tocsin: the program. Everything is in doors/cli/cli.c. */
#include "doors/cli/cli.h"

int main(int argc, char **argv) {
    return cli_main(argc, argv);
}
