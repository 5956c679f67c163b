<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * Lets the page read our answers where it is served from another origin than we are: in the local environment, where
 * there is no load balancer before both.
 */
class AllowFrontend
{
    public function handle(Request $request, Closure $next): Response
    {
        $response = $next($request);
        $origin = config('app.frontend_origin');
        if ($origin && $request->headers->get('Origin') === $origin) {
            $response->headers->set('Access-Control-Allow-Origin', $origin);
            $response->headers->set('Vary', 'Origin');
        }

        return $response;
    }
}
