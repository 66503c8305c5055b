using System.Security.Cryptography;
using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>Migration and auditing.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> MigrationScenes() => [(3, Rewrap), (3, Migrate), (1, CertifiedKeys), (2, Audit)];

    /// <summary>A migratable key is given to another parent, loaded there and used.</summary>
    private void Rewrap()
    {
        OutsideKey destination = new() { Usage = TpmKeyUsage.Storage, UsageAuth = Secrets.Key, Pair = _random.Next(8) };
        int parent = _world.NewNumber(), ticket = _world.NewNumber(), blob = _world.NewNumber(), random = _world.NewNumber();
        LoadDestination(destination, parent);
        Emit(Migration.Authorize(Pick(TpmMigrateScheme.Rewrap, TpmMigrateScheme.Rewrap, TpmMigrateScheme.Migrate), destination, ticket, Owner()));
        OutsideKey key = MigratableKey();
        Emit(CreateMigrationBlob(key, TpmMigrateScheme.Rewrap, ticket, random, blob));
        LoadMigrated(blob, parent, key);
    }

    /// <summary>The same in two steps, with random bytes in between.</summary>
    private void Migrate()
    {
        OutsideKey destination = new() { Usage = TpmKeyUsage.Storage, UsageAuth = Secrets.Key, Pair = _random.Next(8) };
        int parent = _world.NewNumber(), ticket = _world.NewNumber(), blob = _world.NewNumber(), random = _world.NewNumber(), converted = _world.NewNumber();
        LoadDestination(destination, parent);
        Emit(Migration.Authorize(TpmMigrateScheme.Migrate, destination, ticket, Owner()));
        OutsideKey key = MigratableKey();
        Emit(CreateMigrationBlob(key, TpmMigrateScheme.Migrate, ticket, random, blob));
        Emit(Migration.ConvertBlob(parent, blob, random, converted, KeyAuth(parent, Secrets.Key)));
        LoadMigrated(converted, parent, key);
    }

    private void LoadDestination(OutsideKey destination, int parent) => Lead(
        Keys.LoadOutside(destination, SideMemory.Srk, parent, KeyAuth(SideMemory.Srk, _world.SrkAuth)),
        () => _world.Keys.Add(new WorldKey(parent, destination)));

    private OutsideKey MigratableKey() => new()
    {
        Usage = Pick(TpmKeyUsage.Signing, TpmKeyUsage.Bind, TpmKeyUsage.Legacy),
        UsageAuth = Secrets.Key,
        Pair = _random.Next(8),
        Bits = Chance(50) ? 1024 : 2048,
    };

    private CommandStep CreateMigrationBlob(OutsideKey key, TpmMigrateScheme type, int ticket, int random, int blob)
    {
        (SessionUse parentAuth, SessionUse migrationAuth) = TwoOiaps(_world.SrkAuth, Chance(92) ? Secrets.Migration : Secrets.Other);
        return Migration.CreateBlob(SideMemory.Srk, key, type, ticket, random, blob, parentAuth, migrationAuth);
    }

    private void LoadMigrated(int blob, int parent, OutsideKey key)
    {
        int number = _world.NewNumber();
        Emit(Keys.LoadBlob(blob, parent, number, KeyAuth(parent, Secrets.Key)));
        if (key.Usage != TpmKeyUsage.Bind) Emit(Keys.SignOwn(number, Bytes(20), Oiap(Secrets.Key)));
        Lead(Sessions.FlushKey(number));
        Lead(Sessions.FlushKey(parent), () => _world.Keys.RemoveAll(loaded => loaded.Number == parent));
    }

    private void CertifiedKeys()
    {
        byte[] authority = Bytes(20);
        int approval = _world.NewNumber(), blob = _world.NewNumber();
        Emit(Migration.ApproveAuthority(authority, approval, Owner()));
        var info = new OutsideKey
        {
            Usage = Pick(TpmKeyUsage.Signing, TpmKeyUsage.Bind),
            UsageAuth = Secrets.Key,
            Bits = 512,
            Flags = TpmKeyFlags.Migratable | TpmKeyFlags.MigrateAuthority,
            IsKey12 = true,
        };
        int number = _world.NewNumber();
        Emit(Migration.CreateCertifiedKey(info, SideMemory.Srk, approval, authority, blob, OsapKey(SideMemory.Srk, _world.SrkAuth)));
        Emit(Keys.LoadBlob(blob, SideMemory.Srk, number, Oiap(_world.SrkAuth)), () => _world.Keys.Add(new WorldKey(number, info)));
        if (Chance(30)) Emit(Migration.SetRestrictions(Chance(80) ? 0xF800_0000u & (uint)_random.Next() : (uint)_random.Next(), Owner()));
    }

    private void Audit()
    {
        TpmOrdinal ordinal = Pick(TpmOrdinal.Extend, TpmOrdinal.GetTicks, TpmOrdinal.Oiap, TpmOrdinal.PcrRead, TpmOrdinal.SaveContext, (TpmOrdinal)0x123);
        Emit(Migration.SetAuditStatus(ordinal, Chance(50), Owner()));
        if (Chance(50)) ExtendPcr();
        Emit(Migration.GetAuditDigest(Chance(80) ? 0u : (uint)_random.Next(0x100)));
    }
}
