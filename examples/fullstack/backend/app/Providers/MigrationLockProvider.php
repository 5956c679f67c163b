<?php

namespace App\Providers;

use Illuminate\Console\Events\CommandStarting;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Database\ConnectionInterface;
use Illuminate\Support\ServiceProvider;

/**
 * Lets only one `artisan migrate` work at a time, wherever it was started: the next one waits, and then finds nothing
 * to do. The lock is the database session's, so it is gone with a process that was killed.
 */
class MigrationLockProvider extends ServiceProvider
{
    private const LOCK = 4566_0001; // any number that nobody else uses in this database

    public function boot(Dispatcher $events): void
    {
        $events->listen(CommandStarting::class, function (CommandStarting $event): void {
            if ($event->command === 'migrate' || str_starts_with((string) $event->command, 'migrate:')) {
                $connection = $this->app->make(ConnectionInterface::class);
                $connection->select('select pg_advisory_lock(?)', [self::LOCK]);
                // A change that waits for a table's lock makes every request to the table wait behind it. Rather
                // fail: the migration can be run again.
                $connection->statement("set lock_timeout = '5s'");
            }
        });
    }
}
