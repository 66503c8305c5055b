using System.Security.Cryptography;
using Vtpm.Engine.Commands.Maintenance;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Maintenance;

public class LoadMaintenanceArchiveTests
{
    private static readonly byte[] OtherOwner = SHA1.HashData("the owner of the second one"u8);

    private readonly TestTpm _first = new(TestTpm.EveryCommand);
    private readonly TestTpm _second = new(TestTpm.EveryCommand, seed: 2);
    private readonly CreateMaintenanceArchiveResponse _created;

    public LoadMaintenanceArchiveTests()
    {
        _first.TakeOwnership();
        _first.LoadManuMaintPub();
        _created = _first.CreateMaintenanceArchive(generateRandom: true);
        // Three keys of the list are those of the first TPM and its manufacturer.
        for (int i = 0; i < 3; i++) _second.Engine.Platform.Rsa.Generate(2048);
        _second.TakeOwnership(OtherOwner);
        _second.LoadManuMaintPub(_first.ManufacturersKey);
    }

    private ReadOnlyMemory<byte> Manufacturers => _first.ManufacturersKey.PubKey.Key;

    private ReadOnlyMemory<byte> Target => _second.State.Permanent.Data.Srk!.Key.PubKey.Key;

    private LoadMaintenanceArchiveRequest Forwarded => Manufacturer.Forward(Manufacturers, _created, Target);

    [Fact]
    public void LoadMaintenanceArchive_MaintenanceRuledOut_DisabledCmd()
    {
        LoadMaintenanceArchiveRequest request = Forwarded;
        _second.Send(new KillMaintenanceFeature(), default, Owner());
        Assert.Equal(TpmResult.DisabledCmd, Load(request));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action1_WrongSecret_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _second.ResultOf(new LoadMaintenanceArchive(), Forwarded, _second.Oiap(TestTpm.OwnerAuth)));

    [Fact]
    public void LoadMaintenanceArchive_Action2_NotTheManufacturersSignature_BadSignature()
    {
        LoadMaintenanceArchiveRequest request = Forwarded;
        byte[] archive = request.Archive.ToArray();
        archive[^1] ^= 1;
        Assert.Equal(TpmResult.BadSignature, Load(request with { Archive = archive }));
        Assert.Equal(TpmResult.BadSignature, Load(request with { Signature = default }));
        Assert.Equal(TpmResult.BadSignature, Load(request with { Signature = new byte[256] }));
        // What the owner himself can sign with.
        byte[] signature = Witness.Sign(Target, SHA1.HashData(request.Archive.Span));
        Assert.Equal(TpmResult.BadSignature, Load(request with { Signature = signature }));
        Assert.Equal(TpmResult.Success, Load(request));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action2_NoKeyOfAManufacturer_KeyNotFound()
    {
        PermanentState permanent = _second.State.Permanent;
        LoadMaintenanceArchiveRequest request = Forwarded;
        _second.State = _second.State with { Permanent = permanent with { Data = permanent.Data with { ManuMaintPub = null } } };
        Assert.Equal(TpmResult.KeyNotFound, Load(request));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action3_NothingThatTheFirstOneEncoded_IsRefused()
    {
        byte[] hidden = Manufacturer.Open(Manufacturers, _created.Archive);
        Assert.Equal(TpmResult.DecryptError, Load(Manufacturer.Send(Manufacturers, _created, Target, [.. hidden[..^1], (byte)(hidden[^1] ^ 1)])));
        Assert.Equal(TpmResult.BadParameter, Load(Manufacturer.Send(Manufacturers, _created, Target, hidden[..^1])));
        Assert.Equal(TpmResult.BadParameter, Load(Forwarded with { Random = new byte[197] }));
        Assert.Equal(TpmResult.DecryptError, Load(Forwarded with { Random = new byte[198] }));
        Assert.Equal(TpmResult.DecryptError, Load(Forwarded with { Random = default }));
        Assert.Equal(TpmResult.BadMigration, Load(WithMessage(message => message[1] = (byte)TpmPayloadType.Migrate)));
        Assert.Equal(TpmResult.DecryptError, Load(WithMessage(message => message[22] ^= 1)));
        Assert.Equal(TpmResult.BadKeyProperty, Load(WithMessage(message => message[^2] ^= 1)));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action3_NoKeyThatCanBeAnSrk_IsRefused()
    {
        byte[] hidden = Manufacturer.Open(Manufacturers, _created.Archive);
        _ = WireFormat.Read(_created.Archive.Span, out TpmKey key);
        key.EncData = Witness.EncryptOaep(Target, hidden);
        LoadMaintenanceArchiveRequest Signed(in TpmKey other) => Manufacturer.Sign(Manufacturers, other, _created.Random);
        Assert.Equal(TpmResult.InvalidKeyUsage, Load(Signed(key with { KeyUsage = TpmKeyUsage.Signing })));
        Assert.Equal(TpmResult.InvalidKeyUsage, Load(Signed(key with { KeyFlags = TpmKeyFlags.Migratable })));
        Assert.Equal(TpmResult.BadKeyProperty, Load(Signed(key with { AlgorithmParms = TestTpm.RsaParms(1024, TpmEncScheme.RsaesOaepSha1Mgf1) })));
        Assert.Equal(TpmResult.DecryptError, Load(Signed(key with { AuthDataUsage = TpmAuthDataUsage.Never })));
        byte[] noKey = new byte[20];
        byte[] signature = Witness.Sign(Manufacturers, SHA1.HashData(noKey));
        Assert.NotEqual(TpmResult.Success, Load(new LoadMaintenanceArchiveRequest { Archive = noKey, Random = _created.Random, Signature = signature }));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action4_ArchiveForAnotherTpm_DecryptError()
    {
        ReadOnlyMemory<byte> other = _first.State.Permanent.Data.Srk!.Key.PubKey.Key;
        Assert.Equal(TpmResult.DecryptError, Load(Manufacturer.Forward(Manufacturers, _created, other)));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action5_WhatTheOwnerHad_IsCleared()
    {
        _second.AddFamily(1);
        _second.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear));
        uint session = _second.Oiap(OtherOwner).Handle;
        Assert.Equal(TpmResult.Success, Load(Forwarded));
        Assert.True(_second.State.Permanent.Delegation.Families.IsEmpty);
        Assert.Null(_second.State.Sessions.Find(session));
        Assert.True(_second.State.Permanent.Flags.Disable);
        Assert.True(_second.State.Permanent.Flags.Deactivated);
    }

    [Fact]
    public void LoadMaintenanceArchive_Action5_OwnerClearRuledOut_ClearDisabled()
    {
        _second.Send(new DisableOwnerClear(), default, Owner());
        Assert.Equal(TpmResult.ClearDisabled, Load(Forwarded));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action6_SecondTpm_IsWhatTheFirstOneWas()
    {
        TpmKey wrapped = _first.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing));
        TpmStoredData sealedData = Seal(_first);
        Assert.Equal(TpmResult.Success, Load(Forwarded));
        PermanentData first = _first.State.Permanent.Data;
        PermanentData second = _second.State.Permanent.Data;
        Assert.Equal(WireFormat.ToBytes(first.Srk!.Key), WireFormat.ToBytes(second.Srk!.Key));
        Assert.Equal(TestTpm.OwnerAuth, second.Srk.UsageAuth.Span.ToArray());
        Assert.Equal(first.TpmProof.Span.ToArray(), second.TpmProof.Span.ToArray());
        Assert.Equal(TestTpm.OwnerAuth, second.OwnerAuth!.Span.ToArray());

        // The owner of the first one goes on with the second.
        Enable();
        _second.LoadKey2(wrapped, parentAuth: TestTpm.OwnerAuth);
        var unseal = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = sealedData };
        byte[] secret = _second.Send(new Unseal(), unseal, _second.Oiap(TestTpm.OwnerAuth), _second.Oiap(TestTpm.KeyAuth)).Secret.ToArray();
        Assert.Equal("sealed"u8.ToArray(), secret);
    }

    [Fact]
    public void LoadMaintenanceArchive_Action6_HiddenWithTheOwnersSecret_WantsTheSameOwner()
    {
        CreateMaintenanceArchiveResponse created = _first.CreateMaintenanceArchive(generateRandom: false);
        Assert.Equal(TpmResult.DecryptError, Load(Manufacturer.Forward(Manufacturers, created, Target)));
        _second.Send(new OwnerClear(), default, Owner());
        Enable();
        _second.TakeOwnership();
        LoadMaintenanceArchiveRequest request = Manufacturer.Forward(Manufacturers, created, Target);
        Assert.Equal(TpmResult.Success, _second.ResultOf(new LoadMaintenanceArchive(), request, _second.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(WireFormat.ToBytes(_first.State.Permanent.Data.Srk!.Key), WireFormat.ToBytes(_second.State.Permanent.Data.Srk!.Key));
    }

    [Fact]
    public void LoadMaintenanceArchive_Action7_Flag_IsSet()
    {
        Assert.False(_second.State.Permanent.Flags.MaintenanceDone);
        Assert.Equal(TpmResult.Success, Load(Forwarded));
        Assert.True(_second.State.Permanent.Flags.MaintenanceDone);
    }

    private static TpmStoredData Seal(TestTpm tpm)
    {
        TestAuth osap = tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        var seal = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth), InData = "sealed"u8.ToArray() };
        return tpm.Send(new Seal(), seal, osap).SealedData;
    }

    private TestAuth Owner() => _second.Oiap(OtherOwner);

    private TpmResult Load(in LoadMaintenanceArchiveRequest request) => _second.ResultOf(new LoadMaintenanceArchive(), request, Owner());

    /// <summary>What nobody but the two TPMs can do: another message in the same encoding.</summary>
    private LoadMaintenanceArchiveRequest WithMessage(Action<byte[]> change)
    {
        byte[] o1 = Witness.Xor(Manufacturer.Open(Manufacturers, _created.Archive), _created.Random.Span);
        (byte[] seed, byte[] pHash, byte[] padded) = Witness.DecodeMigration(o1);
        change(padded);
        byte[] hidden = Witness.Xor(Witness.EncodeMigration(seed, pHash, padded[1..]), _created.Random.Span);
        return Manufacturer.Send(Manufacturers, _created, Target, hidden);
    }

    /// <summary>What presence and a restart do to a TPM that was cleared.</summary>
    private void Enable()
    {
        _second.SetPermanentFlags(flags => flags with { Disable = false, Deactivated = false });
        _second.PowerCycle();
    }
}
