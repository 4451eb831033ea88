#include "tonnage.h"

unsigned tonnage(unsigned holds) {
    return holds * 1200;
}
