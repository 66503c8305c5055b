using System.Buffers.Binary;
using Vtpm.Client.Tests.Support;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>Responses that are not what they should be.</summary>
public class ResponseTests
{
    [Fact]
    public void AuthorizedResponse_WithAnyByteChanged_IsRefused()
    {
        using var owned = new OwnedTpm(HardwareKind.Engine);
        int length = 0;
        Read(owned, answer => length = answer.Length);
        for (int offset = 0; offset < length; offset++)
        {
            int at = offset;
            Exception? refusal = Record.Exception(() => Read(owned, answer => answer[at] ^= 0x01));
            Assert.True(refusal is TpmException, $"byte {offset}: {refusal}");
            if (offset >= TpmHeader.Size) Assert.True(refusal is TpmIntegrityException, $"byte {offset}: {refusal}");
        }
    }

    [Fact]
    public void Response_CutAtAnyByte_IsMalformed()
    {
        using var owned = new OwnedTpm(HardwareKind.Engine);
        int length = 0;
        Read(owned, answer => length = answer.Length);
        for (int cut = TpmHeader.Size; cut < length; cut++)
        {
            using TpmClient tpm = owned.Through((request, send) => IsRead(request) ? Cut(send(request), cut) : send(request));
            using TpmSession session = tpm.Oiap(owned.Owner);
            Exception? refusal = Record.Exception(() => tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session));
            Assert.True(refusal is TpmProtocolException or TpmIntegrityException, $"{cut} bytes: {refusal}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(21)]
    [InlineData(276)]
    public void ReadPubek_AnsweredWithAnotherKeyOrForAnotherNonce_IsRefused(int fromTheEnd)
    {
        using var hardware = new EngineHardware();
        using var maker = new TpmClient(hardware.Connect());
        maker.CreateEndorsementKeyPair(TpmKeys.EndorsementKey);
        using ITpmConnection inner = hardware.Connect();
        using var tpm = new TpmClient(ScriptedConnection.Around(inner, (request, send) =>
        {
            byte[] answer = send(request);
            answer[^fromTheEnd] ^= 0x80;
            return answer;
        }));
        Assert.Throws<TpmIntegrityException>(() => tpm.ReadPubek());
    }

    [Theory]
    [InlineData(TpmResult.Retry)]
    [InlineData(TpmResult.NeedsSelfTest)]
    [InlineData(TpmResult.DoingSelfTest)]
    [InlineData(TpmResult.DefendLockRunning)]
    public void BusyAnswer_IsAnExceptionOfItsOwn(TpmResult result)
    {
        using var tpm = new TpmClient(new ScriptedConnection(_ => Answer(result)));
        Assert.Equal(result, Assert.Throws<TpmBusyException>(() => tpm.PcrRead(0)).Result);
    }

    [Fact]
    public void ErrorAnswer_NamesTheCommandAndTheCode()
    {
        using var tpm = new TpmClient(new ScriptedConnection(_ => Answer(TpmResult.BadIndex)));
        var error = Assert.Throws<TpmCommandException>(() => tpm.PcrRead(99));
        Assert.Equal((TpmOrdinal.PcrRead, TpmResult.BadIndex), (error.Ordinal, error.Result));
        Assert.Contains("TPM_PcrRead", error.Message, StringComparison.Ordinal);
        Assert.Contains("TPM_BadIndex", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LostLink_IsATransportExceptionAndEndsTheSession()
    {
        using var owned = new OwnedTpm(HardwareKind.Engine);
        int sent = 0;
        using TpmClient tpm = owned.Through((request, send) =>
        {
            sent++;
            return IsRead(request) ? throw new TpmTransportException(TpmTransportFault.Closed, "gone") : send(request);
        });
        using (TpmSession session = tpm.Oiap(owned.Owner))
        {
            Assert.Equal(TpmTransportFault.Closed, Assert.Throws<TpmTransportException>(() => tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session)).Fault);
            Assert.False(session.IsOpen);
        }

        Assert.Equal(2, sent);   // Nothing was said after the link was lost.
    }

    [Fact]
    public void GetRandom_AnsweredWithMoreThanAskedFor_IsMalformed()
    {
        byte[] answer = [0x00, 0xC4, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        using var tpm = new TpmClient(new ScriptedConnection(_ => answer));
        Assert.Equal(10, tpm.GetRandom(10).Length);
        Assert.Throws<TpmProtocolException>(() => tpm.GetRandom(9));
    }

    [Fact]
    public void Command_TooLongForATpm_IsTheCallersFault()
    {
        using var tpm = new TpmClient(new ScriptedConnection(_ => throw new InvalidOperationException("nothing is to be sent")));
        Assert.Throws<ArgumentException>(() => tpm.StirRandom(new byte[4096]));
    }

    private static void Read(OwnedTpm owned, Action<byte[]> change)
    {
        using TpmClient tpm = owned.Through((request, send) =>
        {
            byte[] answer = send(request);
            if (IsRead(request)) change(answer);
            return answer;
        });
        using TpmSession session = tpm.Oiap(owned.Owner);
        tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session);
    }

    private static bool IsRead(byte[] request) => (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(6)) == TpmOrdinal.OwnerReadInternalPub;

    private static byte[] Cut(byte[] answer, int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(answer.AsSpan(2), length);
        return answer[..length];
    }

    private static byte[] Answer(TpmResult result) => WireFormat.ToBytes(new TpmHeader { Tag = TpmTag.RspCommand, ParamSize = TpmHeader.Size, Code = (uint)result });
}
