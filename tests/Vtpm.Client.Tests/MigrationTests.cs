using Vtpm.Client.Tests.Support;
using Vtpm.Engine.Commands.Migration;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>Keys and bound data between our engine and a TPM that nobody here has made: what one makes, the other takes.</summary>
public class MigrationTests
{
    private static readonly byte[] Data = "bound"u8.ToArray();

    public static TheoryData<HardwareKind, HardwareKind> Ways => new()
    {
        { HardwareKind.Engine, HardwareKind.Swtpm },
        { HardwareKind.Swtpm, HardwareKind.Engine },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void Rewrap_OfABindKey_UnbindsInTheOtherTpm(HardwareKind from, HardwareKind to)
    {
        using var source = new MigratingTpm(from);
        using var target = new MigratingTpm(to);
        TpmKey key = source.CreateKey(MigratingTpm.BindKey());
        MigrationBlobResponse blob = source.CreateMigrationBlob(key, target.ReadSrk(), TpmMigrateScheme.Rewrap);

        Assert.True(blob.Random.IsEmpty);
        AssertUnbinds(key, source, key with { EncData = blob.OutData }, target);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Migration_OfBindKeys_UnbindsInTheOtherTpm(HardwareKind from, HardwareKind to)
    {
        using var source = new MigratingTpm(from);
        using var target = new MigratingTpm(to);
        TpmPubKey srk = target.ReadSrk();
        foreach (int keyLength in (ReadOnlySpan<int>)[2048, 1024])
        {
            TpmKey key = source.CreateKey(MigratingTpm.BindKey(keyLength));
            MigrationBlobResponse blob = source.CreateMigrationBlob(key, srk, TpmMigrateScheme.Migrate);
            Assert.Equal(keyLength / 16 + 70, blob.Random.Length);
            AssertUnbinds(key, source, key with { EncData = target.ConvertMigrationBlob(blob) }, target);
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Migration_ByWayOfAnAuthority_UnbindsInTheOtherTpm(HardwareKind from, HardwareKind to)
    {
        using var source = new MigratingTpm(from);
        using var target = new MigratingTpm(to);
        TpmKey authority = target.CreateKey(MigratingTpm.AuthorityKey);
        TpmKey key = source.CreateKey(MigratingTpm.BindKey());
        MigrationBlobResponse blob = source.CreateMigrationBlob(key, authority.ToPubKey(), TpmMigrateScheme.Migrate);
        blob = target.MigrateKey(target.Load(authority), blob, target.ReadSrk());
        AssertUnbinds(key, source, key with { EncData = target.ConvertMigrationBlob(blob) }, target);
    }

    /// <summary>There and back again: the key of the way back is the very one.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public void Migration_ThereAndBack_UnbindsAsBefore(HardwareKind from, HardwareKind to)
    {
        using var source = new MigratingTpm(from);
        using var target = new MigratingTpm(to);
        TpmKey key = source.CreateKey(MigratingTpm.BindKey());
        MigrationBlobResponse there = source.CreateMigrationBlob(key, target.ReadSrk(), TpmMigrateScheme.Migrate);
        TpmKey moved = key with { EncData = target.ConvertMigrationBlob(there) };
        MigrationBlobResponse back = target.CreateMigrationBlob(moved, source.ReadSrk(), TpmMigrateScheme.Migrate);
        AssertUnbinds(key, source, key with { EncData = source.ConvertMigrationBlob(back) }, source);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void CertifiedMigration_ToWhereASignerAllows_UnbindsInTheOtherTpm(HardwareKind from, HardwareKind to)
    {
        using var source = new MigratingTpm(from);
        using var target = new MigratingTpm(to);
        using var signer = new SoftwareKey();
        TpmMsaComposite authorities = MigratingTpm.Authorities(signer.ToSigningPubKey());
        TpmKey key = source.CmkCreateKey(MigratingTpm.BindKey(), authorities);
        TpmCmkAuth allowed = MigratingTpm.Allowed(signer, target.ReadSrk(), key.ToPubKey());
        MigrationBlobResponse blob = source.CmkCreateBlob(key, authorities, target.ReadSrk(), signer, allowed);
        AssertUnbinds(key, source, target.CmkConvertMigration(key, blob, authorities, signer, allowed), target);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void CertifiedMigration_ByWayOfAnAuthority_UnbindsInTheOtherTpm(HardwareKind from, HardwareKind to)
    {
        using var source = new MigratingTpm(from);
        using var target = new MigratingTpm(to);
        using var signer = new SoftwareKey();
        TpmKey authority = target.CreateKey(MigratingTpm.AuthorityKey);
        TpmMsaComposite authorities = MigratingTpm.Authorities(authority.ToPubKey(), signer.ToSigningPubKey());
        TpmKey key = source.CmkCreateKey(MigratingTpm.BindKey(), authorities);
        TpmPubKey srk = target.ReadSrk();
        MigrationBlobResponse blob = source.CmkCreateBlob(key, authorities, authority.ToPubKey());
        blob = target.MigrateKey(target.Load(authority), blob, srk);
        TpmCmkAuth allowed = MigratingTpm.Allowed(signer, srk, key.ToPubKey());
        AssertUnbinds(key, source, target.CmkConvertMigration(key, blob, authorities, signer, allowed), target);
    }

    [Fact]
    public void KeyOfSoftware_WrappedForEachOfTheTpms_UnbindsInBoth()
    {
        using var ours = new MigratingTpm(HardwareKind.Engine);
        using var theirs = new MigratingTpm(HardwareKind.Swtpm);
        using var software = new SoftwareKey();
        foreach (uint ver in (ReadOnlySpan<uint>)[TpmKey.Version11, TpmKey.Tag12])
        {
            TpmKey template = MigratingTpm.BindKey() with { Ver = ver };
            TpmKey forOurs = software.Wrap(template, ours.ReadSrk(), MigratingTpm.Usage, MigratingTpm.Migration);
            TpmKey forTheirs = software.Wrap(template, theirs.ReadSrk(), MigratingTpm.Usage, MigratingTpm.Migration);
            AssertUnbinds(forOurs, ours, forTheirs, theirs);
        }
    }

    /// <summary>What is bound to the key, each of the TPMs reveals: bound data has one format.</summary>
    private static void AssertUnbinds(TpmKey first, MigratingTpm firstTpm, TpmKey second, MigratingTpm secondTpm)
    {
        byte[] bound = SoftwareKey.Bind(first.PubKey.Key, Data);
        Assert.Equal(Data, firstTpm.UnBind(first, bound));
        Assert.Equal(Data, secondTpm.UnBind(second, bound));
    }
}
