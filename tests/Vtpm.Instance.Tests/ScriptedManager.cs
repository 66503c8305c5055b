using System.Buffers.Binary;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance.Tests;

/// <summary>A manager that keeps one hash and key, and misbehaves when it is told to: the peer that a real one cannot be made to be.</summary>
internal sealed class ScriptedManager
{
    public byte[]? HashKey { get; set; }

    /// <summary>What LOADHASHKEY and SAVEHASHKEY are refused with; TPM_SUCCESS for not at all.</summary>
    public TpmResult Refusal { get; set; }

    /// <summary>Saves that are kept, but whose answers are lost, each with its connection.</summary>
    public int LostAnswers { get; set; }

    /// <summary>What is answered once an answer was lost: the manager that kept the key is dead, and its successor cannot save.</summary>
    public TpmResult RefusalAfterLoss { get; set; }

    /// <summary>Saves that are kept, but answered with TPM_RETRY: the medium did not say whether they are.</summary>
    public int DoubtfulSaves { get; set; }

    /// <summary>Whether nobody is there.</summary>
    public bool IsDown { get; set; }

    /// <summary>Requests of this tag are taken, and their answers lost, each with its connection.</summary>
    public TpmTag? LosesAnswersTo { get; set; }

    public int Connections { get; private set; }

    /// <summary>All that was asked.</summary>
    public List<byte[]> Requests { get; } = [];

    public ManagerLink Link => new(Connect);

    private ScriptedConnection Connect()
    {
        if (IsDown) throw new TpmTransportException(TpmTransportFault.Unavailable, "nobody is there");
        Connections++;
        return new ScriptedConnection(this);
    }

    private ReadOnlySpan<byte> Answer(ReadOnlySpan<byte> request, out TpmResult result)
    {
        result = Refusal;
        Requests.Add(request.ToArray());
        TpmTag tag = TpmMessage.ReadTag(request);
        if (tag == LosesAnswersTo) throw new TpmTransportException(TpmTransportFault.Closed, "the answer was lost");
        uint ordinal = BinaryPrimitives.ReadUInt32BigEndian(request[6..]);
        if (tag == TpmTag.RquCommand)
        {
            result = TpmResult.Success;
            // TPM_GetRandom: four bytes; TPM_PCRRead: the register's own number, twenty times.
            return ordinal == (uint)TpmOrdinal.GetRandom ? (byte[])[0, 0, 0, 4, 1, 2, 3, 4] : [.. Enumerable.Repeat(request[^1], 20)];
        }

        if (Refusal != TpmResult.Success) return [];
        // Management, which it answers with the number of its groups; and GET_QUOTE.
        if (tag == TpmTag.VtpmReq2) return (byte[])[0, 0, 0, 1];
        if (ordinal == (uint)VtpmManagerOrdinal.GetQuote) return TestParent.Blob;
        if (ordinal == (uint)VtpmManagerOrdinal.SaveHashKey)
        {
            HashKey = request[10..].ToArray();
            if (DoubtfulSaves-- > 0) result = TpmResult.Retry;
            if (LostAnswers-- > 0)
            {
                Refusal = RefusalAfterLoss;
                throw new TpmTransportException(TpmTransportFault.Closed, "the answer was lost");
            }

            return [];
        }

        if (HashKey is null) result = TpmResult.BadParameter;
        return HashKey;
    }

    private sealed class ScriptedConnection(ScriptedManager manager) : ITpmConnection
    {
        public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
        {
            if (manager.IsDown) throw new TpmTransportException(TpmTransportFault.Closed, "the manager is gone");
            ReadOnlySpan<byte> answer = manager.Answer(request, out TpmResult result);
            int length = TpmMessage.WriteFailure(request, result, response) + answer.Length;
            answer.CopyTo(response[10..]);
            BinaryPrimitives.WriteInt32BigEndian(response[2..], length);
            return length;
        }

        public void Dispose()
        {
            // nothing is held
        }
    }
}
