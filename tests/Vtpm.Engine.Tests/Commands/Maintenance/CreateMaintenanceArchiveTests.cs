using Vtpm.Engine.Commands.Maintenance;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Maintenance;

public class CreateMaintenanceArchiveTests
{
    private readonly TestTpm _tpm = new(TestTpm.EveryCommand);

    public CreateMaintenanceArchiveTests() => _tpm.TakeOwnership();

    [Fact]
    public void CreateMaintenanceArchive_Action1_MaintenanceRuledOut_DisabledCmd()
    {
        _tpm.LoadManuMaintPub();
        _tpm.Send(new KillMaintenanceFeature(), default, _tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.DisabledCmd, Create(_tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.DisabledCmd, Create(_tpm.Oiap(TestTpm.KeyAuth)));
    }

    [Fact]
    public void CreateMaintenanceArchive_Action2_WrongSecret_AuthFail()
    {
        _tpm.LoadManuMaintPub();
        Assert.Equal(TpmResult.AuthFail, Create(_tpm.Oiap(TestTpm.KeyAuth)));
        Assert.False(_tpm.State.Permanent.Flags.MaintenanceDone);
    }

    [Fact]
    public void CreateMaintenanceArchive_Action3_NoKeyOrOneOfZeroes_KeyNotFound()
    {
        Assert.Equal(TpmResult.KeyNotFound, Create(_tpm.Oiap(TestTpm.OwnerAuth)));
        _tpm.Send(new LoadManuMaintPub(), default);
        Assert.Equal(TpmResult.KeyNotFound, Create(_tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void CreateMaintenanceArchive_Actions4To12_GenerateRandom_IsHiddenWithWhatIsReturned()
    {
        _tpm.LoadManuMaintPub();
        CreateMaintenanceArchiveResponse created = _tpm.CreateMaintenanceArchive(generateRandom: true);
        Assert.Equal(198, created.Random.Length);
        CheckEncoding(Witness.Xor(Manufacturer.Open(_tpm.ManufacturersKey.PubKey.Key, created.Archive), created.Random.Span));
        Assert.NotEqual(created.Random.ToArray(), _tpm.CreateMaintenanceArchive(generateRandom: true).Random.ToArray());
    }

    [Fact]
    public void CreateMaintenanceArchive_Actions4To12_NoRandom_IsHiddenWithTheOwnersSecret()
    {
        _tpm.LoadManuMaintPub();
        CreateMaintenanceArchiveResponse created = _tpm.CreateMaintenanceArchive(generateRandom: false);
        Assert.True(created.Random.IsEmpty);
        CheckEncoding(Witness.Xor(Manufacturer.Open(_tpm.ManufacturersKey.PubKey.Key, created.Archive), Witness.Mgf1(TestTpm.OwnerAuth, 198)));
    }

    [Fact]
    public void CreateMaintenanceArchive_Actions13To15_Archive_IsTheSrk()
    {
        _tpm.LoadManuMaintPub();
        CreateMaintenanceArchiveResponse created = _tpm.CreateMaintenanceArchive(generateRandom: true);
        Assert.Equal(TpmResult.Success, WireFormat.Read(created.Archive.Span, out TpmKey archive));
        Assert.Equal(256, archive.EncData.Length);
        archive.EncData = default;
        Assert.Equal(WireFormat.ToBytes(_tpm.State.Permanent.Data.Srk!.Key), WireFormat.ToBytes(archive));
        Assert.True(_tpm.State.Permanent.Flags.MaintenanceDone);
    }

    private TpmResult Create(TestAuth auth) => _tpm.ResultOf(new CreateMaintenanceArchive(), default, auth);

    /// <summary>Actions 5 to 8: the private key goes on from the seed, and what it is not about is where a migration blob has the key's own secrets.</summary>
    private void CheckEncoding(byte[] o1)
    {
        (byte[] seed, byte[] pHash, byte[] padded) = Witness.DecodeMigration(o1);
        TpmKey srk = _tpm.State.Permanent.Data.Srk!.Key;
        byte[] prime = FixedRsa.PrimeOf(srk.PubKey.Key);
        byte[] publicPart = WireFormat.ToBytes(srk)[..^4];
        Assert.Equal(TestTpm.OwnerAuth, pHash);
        Assert.Equal([0, 0, 0, 0x80, .. prime.AsSpan(0, 16)], seed);
        Assert.Equal(
            [
                0x01, 0x04, .. _tpm.State.Permanent.Data.TpmProof.Span, .. Witness.Sha1(publicPart), 0, 0, 0, 112, .. prime.AsSpan(16),
            ],
            padded);
    }
}
