#pragma once

#include "runtime/device_types.h"
#include "runtime/types.h"
