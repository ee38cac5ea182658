#pragma once

// Everything that device code may use without an include of its own.
#include "device/atomics.h"
#include "device/barriers.h"
#include "device/bits.h"
#include "device/context.h"
#include "device/dependency.h"
#include "device/keywords.h"
#include "device/math_functions.h"
#include "device/memory_access.h"
#include "device/tensor_cores.h"
#include "device/types.h"
#include "device/warp_operations.h"
