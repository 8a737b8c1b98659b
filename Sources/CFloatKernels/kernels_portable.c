#define FK_LANES 4
#define FK_ROWS 4
#define FK_VECTORS 2
#define FK_TAIL 1
#define FK_TABLE fk_kernels_portable
#define FK_TITLE "portable"
#include "kernels_body.h"
