<?php

namespace App\Http;

use App\Http\Middleware\AllowFrontend;
use Illuminate\Foundation\Http\Kernel as HttpKernel;

class Kernel extends HttpKernel
{
    protected $middleware = [
        AllowFrontend::class,
    ];
}
