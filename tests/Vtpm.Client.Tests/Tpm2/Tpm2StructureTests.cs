using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests.Tpm2;

/// <summary>The structures of TPM 2.0, byte for byte.</summary>
public sealed class Tpm2StructureTests
{
    private static readonly byte[] Digest20 = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];

    [Fact]
    public void TpmtPublic_OfStorageKeys_IsTheTcgsTemplate()
    {
        Assert.Equal(RawTpm2.EccStorageKey, WireFormat.ToBytes(TpmtPublic.EccStorageKey));
        Assert.Equal(RawTpm2.RsaStorageKey, WireFormat.ToBytes(TpmtPublic.RsaStorageKey));
    }

    [Fact]
    public void TpmtPublic_OfSealedData_IsOpenedByPolicyAlone()
    {
        TpmtPublic area = TpmtPublic.SealedData(TpmAlgId.Sha1, Digest20) with { Unique = Digest20 };
        string digest = Convert.ToHexStringLower(Digest20);
        Assert.Equal($"0008000400000492{"0014"}{digest}{"0010"}{"0014"}{digest}", Convert.ToHexStringLower(WireFormat.ToBytes(area)));
        Assert.Equal("0004" + Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(WireFormat.ToBytes(area))), Convert.ToHexStringLower(area.ToName()));
    }

    [Fact]
    public void TpmlPcrSelection_OfABank_HasThreeBytesInItsOrder() =>
        Assert.Equal("00000001000b03ff000e", Convert.ToHexStringLower(WireFormat.ToBytes(TpmlPcrSelection.Of(TpmAlgId.Sha256, 0x0E00FF))));

    [Fact]
    public void TpmsNvPublic_OfACounter() => Assert.Equal(
        "01900001000b0204001400000008",
        Convert.ToHexStringLower(WireFormat.ToBytes(new TpmsNvPublic
        {
            NvIndex = 0x01900001,
            NameAlg = TpmAlgId.Sha256,
            Attributes = TpmaNv.AuthRead | TpmaNv.AuthWrite | TpmaNv.NoDa | TpmaNv.Counter,
            DataSize = 8,
        })));

    [Fact]
    public void TpmsCreationData_ReadsAsItIsWritten()
    {
        const string bytes = "00000001000b03ff0000" + "0002aabb" + "01" + "000b" + "0003000b01" + "0003000b02" + "0001ee";
        Assert.Equal(TpmResult.Success, WireFormat.Read(Convert.FromHexString(bytes), out TpmsCreationData data));
        Assert.Equal((0xFFu, TpmAlgId.Sha256, (byte)1, TpmAlgId.Sha256), (data.PcrSelect.PcrSelections[0].Mask, data.PcrSelect.PcrSelections[0].Hash, data.Locality, data.ParentNameAlg));
        Assert.Equal([0xAA, 0xBB], data.PcrDigest.ToArray());
        Assert.Equal([0xEE], data.OutsideInfo.ToArray());
        Assert.Equal(bytes, Convert.ToHexStringLower(WireFormat.ToBytes(data)));
    }

    /// <summary>Every structure, cut off at every byte and with one byte too many, does not read.</summary>
    [Fact]
    public void Structures_CutOffOrTooLong_DoNotRead()
    {
        AssertExact(TpmtPublic.EccStorageKey);
        AssertExact(TpmtPublic.RsaStorageKey);
        AssertExact(TpmtPublic.SealedData(TpmAlgId.Sha1, Digest20));
        AssertExact(TpmlPcrSelection.Of(TpmAlgId.Sha256, 1));
        AssertExact(new TpmsNvPublic { NameAlg = TpmAlgId.Sha256, AuthPolicy = Digest20 });
        AssertExact(new TpmsCreationData { PcrSelect = TpmlPcrSelection.Of(TpmAlgId.Sha1, 2), ParentName = Digest20 });
        AssertExact(new TpmtTkCreation { Digest = Digest20 });
    }

    [Theory]
    [InlineData("0025000b0003047200000006008000430010")]     // a symmetric key
    [InlineData("0023000b00050472000000100018000b0003001000000000")]   // with a signing scheme
    public void TpmtPublic_OfAnotherKind_DoesNotRead(string hex) =>
        Assert.NotEqual(TpmResult.Success, WireFormat.Read(Convert.FromHexString(hex), out TpmtPublic _));

    [Theory]
    [InlineData(0x9A2u, TpmRc.BadAuth)]      // session 1
    [InlineData(0x1DFu, TpmRc.Integrity)]    // parameter 1
    [InlineData(0x18Bu, TpmRc.Handle)]       // handle 1
    [InlineData(0x922u, TpmRc.Retry)]
    [InlineData(0x101u, TpmRc.Failure)]
    [InlineData(0x01Eu, TpmRc.BadTag)]
    public void TpmRc_WithoutItsNumber_IsTheCode(uint code, TpmRc expected)
    {
        var e = new Tpm2CommandException(TpmCc.Load, (TpmRc)code);
        Assert.Equal((expected, (TpmRc)code), (e.Result, e.Code));
        Assert.Equal($"TPM2_Load was answered TPM_RC_{expected} (0x{code:x})", e.Message);
    }

    private static void AssertExact<T>(T value)
        where T : struct, IWireStructure<T>
    {
        byte[] bytes = WireFormat.ToBytes(value);
        for (int length = 0; length < bytes.Length; length++) Assert.NotEqual(TpmResult.Success, WireFormat.Read(bytes.AsSpan(0, length), out T _));
        Assert.NotEqual(TpmResult.Success, WireFormat.Read([.. bytes, 0], out T _));
        Assert.Equal(TpmResult.Success, WireFormat.Read(bytes, out T same));
        Assert.Equal(bytes, WireFormat.ToBytes(same));
    }
}
