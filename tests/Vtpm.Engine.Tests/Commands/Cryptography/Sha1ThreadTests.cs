using System.Security.Cryptography;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Cryptography;

/// <summary>TPM_SHA1Start, TPM_SHA1Update, TPM_SHA1Complete and TPM_SHA1CompleteExtend: one calculation over several commands.</summary>
public class Sha1ThreadTests
{
    private readonly TestTpm _tpm = new();

    [Fact]
    public void Sha1Start_MaxNumBytes_IsOfTheProfileAndWholeBlocks()
    {
        uint maxNumBytes = Start();
        Assert.Equal((uint)TpmProfile.Xen.Sha1MaxBytes, maxNumBytes);
        Assert.Equal(0u, maxNumBytes % 64);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 64)]
    [InlineData(64, 3)]
    [InlineData(640, 63)]
    [InlineData(2048, 64)]
    public void Sha1Complete_DataInParts_IsTheirDigest(int first, int last)
    {
        byte[] data = RandomNumberGenerator.GetBytes(2 * first + last);
        Start();
        Update(data[..first]);
        Update(data[first..(2 * first)]);
        Assert.Equal(SHA1.HashData(data), Complete(data[(2 * first)..]));
    }

    [Fact]
    public void Sha1Update_Action4_ManyMegabytes_AreInTheDigest()
    {
        const int Updates = 5000;
        byte[] data = new byte[2048];
        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        Start();
        for (int i = 0; i < Updates; i++)
        {
            data[i % data.Length]++;
            expected.AppendData(data);
            Update(data);
        }

        Assert.Equal(expected.GetHashAndReset(), Complete([]));
    }

    [Fact]
    public void Sha1Update_StateThatTheHostDropped_HasHashedNothing()
    {
        Start();
        byte[] kept = new byte[64];
        Update(kept);
        TpmState before = _tpm.State;
        Update(SHA1.HashData("dropped"u8).Concat(new byte[44]).ToArray());
        _tpm.State = before;
        Assert.Equal(SHA1.HashData(kept), Complete([]));
    }

    [Fact]
    public void Sha1Update_Action1_NoThread_ShaThread() => Assert.Equal(TpmResult.ShaThread, ResultOfUpdate(new byte[64]));

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(2112)]
    public void Sha1Update_Actions2And3_NoWholeBlocksOrTooMany_ShaErrorAndTheThreadGoesOn(int length)
    {
        Start();
        byte[] data = new byte[64];
        Update(data);
        Assert.Equal(TpmResult.ShaError, ResultOfUpdate(new byte[length]));
        Assert.Equal(SHA1.HashData(data), Complete([]));
    }

    [Fact]
    public void Sha1Start_ThreadThatRuns_BeginsAnew()
    {
        Start();
        Update(new byte[64]);
        Start();
        Assert.Equal(SHA1.HashData([]), Complete([]));
    }

    [Fact]
    public void Sha1Complete_Twice_ShaThread()
    {
        Start();
        Complete([]);
        Assert.Equal(TpmResult.ShaThread, _tpm.ResultOf(new Sha1Complete(), default));
    }

    [Fact]
    public void Sha1Complete_MoreThanABlock_ShaErrorAndTheThreadEnds()
    {
        Start();
        Assert.Equal(TpmResult.ShaError, _tpm.ResultOf(new Sha1Complete(), new Sha1CompleteRequest { HashData = new byte[65] }));
        Assert.Equal(TpmResult.ShaThread, _tpm.ResultOf(new Sha1Complete(), default));
    }

    [Fact]
    public void Sha1Start_Description2_AnyOtherCommand_EndsTheThread()
    {
        Start();
        _tpm.Send(new PcrRead(), default);
        Assert.Equal(TpmResult.ShaThread, ResultOfUpdate(new byte[64]));
    }

    [Fact]
    public void Sha1Start_Description2_AnyOtherCommandThatFails_EndsTheThreadToo()
    {
        Start();
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOf(new PcrRead(), new PcrReadRequest { PcrIndex = 24 }));
        Assert.Null(_tpm.State.Sha1Thread);
    }

    [Fact]
    public void Sha1CompleteExtend_Actions9And10_Thread_FoldsItsDigestIntoThePcr()
    {
        byte[] data = [.. Enumerable.Range(0, 70).Select(i => (byte)i)];
        Start();
        Update(data[..64]);
        Sha1CompleteExtendResponse response = _tpm.Send(new Sha1CompleteExtend(), new Sha1CompleteExtendRequest { PcrNum = 10, HashData = data.AsMemory(64) });
        Assert.Equal(SHA1.HashData(data), response.HashValue.ReadOnlySpan.ToArray());
        Assert.Equal(Witness.Sha1(new byte[20], SHA1.HashData(data)), response.OutDigest.ReadOnlySpan.ToArray());
        Assert.Equal(response.OutDigest, _tpm.State.Pcrs[10]);
    }

    [Theory]
    [InlineData(24, TpmResult.BadIndex)]
    [InlineData(uint.MaxValue, TpmResult.BadIndex)]
    [InlineData(17, TpmResult.BadLocality)]
    public void Sha1CompleteExtend_Actions5And8_PcrThatMayNotBeExtended_ErrorAndTheThreadEnds(uint pcr, TpmResult expected)
    {
        Start();
        Assert.Equal(expected, _tpm.ResultOf(new Sha1CompleteExtend(), new Sha1CompleteExtendRequest { PcrNum = pcr }));
        Assert.Null(_tpm.State.Sha1Thread);
    }

    [Fact]
    public void Sha1CompleteExtend_NoThread_ShaThread() => Assert.Equal(TpmResult.ShaThread, _tpm.ResultOf(new Sha1CompleteExtend(), default));

    [Fact]
    public void Sha1CompleteExtend_DisabledTpm_MeasuresButAnswersZeroes()
    {
        _tpm.SetPermanentFlags(flags => flags with { Disable = true });
        Start();
        Sha1CompleteExtendResponse response = _tpm.Send(new Sha1CompleteExtend(), default);
        Assert.Equal(default, response.OutDigest);
        Assert.Equal(Witness.Sha1(new byte[20], SHA1.HashData([])), _tpm.State.Pcrs[0].ReadOnlySpan.ToArray());
    }

    private uint Start() => _tpm.Send(new Sha1Start(), default).MaxNumBytes;

    private void Update(byte[] data) => _tpm.Send(new Sha1Update(), new Sha1UpdateRequest { HashData = data });

    private TpmResult ResultOfUpdate(byte[] data) => _tpm.ResultOf(new Sha1Update(), new Sha1UpdateRequest { HashData = data });

    private byte[] Complete(byte[] data) => _tpm.Send(new Sha1Complete(), new Sha1CompleteRequest { HashData = data }).HashValue.ReadOnlySpan.ToArray();
}
