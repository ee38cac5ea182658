#pragma once

#include "runtime/cublas_api.h"
