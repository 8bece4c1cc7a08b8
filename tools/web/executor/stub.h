#include <stdbool.h>
#define rules_inside(plan, host, port) ((void)(plan), false)
