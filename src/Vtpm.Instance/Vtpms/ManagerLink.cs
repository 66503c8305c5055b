using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>The manager has answered a request with an error.</summary>
public sealed class ManagerErrorException(string request, TpmResult result) : Exception($"the manager answered {request} with {result} (0x{(uint)result:x})")
{
    public TpmResult Result => result;
}

/// <summary>
/// A vTPM's link to its manager (<c>tpmfront</c> in Xen's diagram): key and hash of its state, and what the manager lets through to the hardware TPM.
/// Reconnects by itself when the manager was restarted. Not for several threads at once.
/// </summary>
public sealed class ManagerLink(Func<ITpmConnection> connect) : IDisposable
{
    private const int MaxRandomBytes = 128;

    private readonly byte[] _response = new byte[TpmMessage.MaxLength];
    private ITpmConnection? _connection;

    /// <summary>VTPM_ORD_SAVEHASHKEY: the manager keeps it, durably, once this returns.</summary>
    /// <exception cref="ManagerErrorException">It refused.</exception>
    /// <exception cref="TpmTransportException">No answer: whether it keeps it is not known.</exception>
    public void SaveHashKey(ReadOnlySpan<byte> hashKey) => Send("SAVEHASHKEY", TpmTag.VtpmReq, (uint)VtpmManagerOrdinal.SaveHashKey, hashKey);

    /// <summary>VTPM_ORD_LOADHASHKEY: what the manager keeps for this vTPM; 52 bytes, for the caller to zero.</summary>
    /// <exception cref="ManagerErrorException">It refused: TPM_BAD_PARAMETER when it does not know the vTPM.</exception>
    /// <exception cref="TpmTransportException">No answer.</exception>
    public byte[] LoadHashKey()
    {
        byte[] hashKey = Send("LOADHASHKEY", TpmTag.VtpmReq, (uint)VtpmManagerOrdinal.LoadHashKey, []).ToArray();
        CryptographicOperations.ZeroMemory(_response);
        return hashKey;
    }

    /// <summary>Random bytes of the hardware TPM, as many as it gives; for the caller to zero.</summary>
    public byte[] GetRandom(int length)
    {
        Span<byte> count = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(count, Math.Min(length, MaxRandomBytes));
        ReadOnlySpan<byte> answer = Send("TPM_GetRandom", TpmTag.RquCommand, (uint)TpmOrdinal.GetRandom, count);
        return answer.Length < 4 ? [] : answer[4..].ToArray();
    }

    /// <summary>A PCR of the hardware TPM.</summary>
    public TpmDigest PcrRead(int pcr)
    {
        Span<byte> index = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(index, pcr);
        ReadOnlySpan<byte> answer = Send("TPM_PCRRead", TpmTag.RquCommand, (uint)TpmOrdinal.PcrRead, index);
        return answer.Length == TpmDigest.Size ? new TpmDigest(answer) : throw new ManagerErrorException("TPM_PCRRead", TpmResult.Size);
    }

    public void Dispose() => Disconnect();

    /// <summary>Sends one request, over a new connection where the old one has died before the request left.</summary>
    private ReadOnlySpan<byte> Send(string name, TpmTag tag, uint ordinal, ReadOnlySpan<byte> body)
    {
        byte[] request = new byte[TpmHeader.Size + body.Length];
        BinaryPrimitives.WriteUInt16BigEndian(request, (ushort)tag);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(2), request.Length);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(6), ordinal);
        body.CopyTo(request.AsSpan(TpmHeader.Size));
        try
        {
            int length = Transmit(request);
            TpmResult result = (TpmResult)BinaryPrimitives.ReadUInt32BigEndian(_response.AsSpan(6));
            return result == TpmResult.Success ? _response.AsSpan(TpmHeader.Size..length) : throw new ManagerErrorException(name, result);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(request);
        }
    }

    private int Transmit(byte[] request)
    {
        bool isFresh = _connection is null;
        while (true)
        {
            try
            {
                _connection ??= connect();
                return _connection.Transmit(request, _response);
            }
            catch (TpmTransportException)
            {
                Disconnect();
                // Every request may be repeated: the manager that has kept a hash and key keeps them again.
                if (isFresh) throw;
                isFresh = true;
            }
        }
    }

    private void Disconnect()
    {
        _connection?.Dispose();
        _connection = null;
    }
}
