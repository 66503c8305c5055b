using System.Security.Cryptography;
using Vtpm.Client;
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

    private VtpmManagerClient? _manager;

    private delegate T Request<T>(VtpmManagerClient manager, ReadOnlySpan<byte> argument);

    /// <summary>VTPM_ORD_SAVEHASHKEY: the manager keeps it, durably, once this returns.</summary>
    /// <exception cref="ManagerErrorException">It refused.</exception>
    /// <exception cref="TpmTransportException">No answer: whether it keeps it is not known.</exception>
    public void SaveHashKey(ReadOnlySpan<byte> hashKey) => Send("SAVEHASHKEY", hashKey, static (manager, hashKey) =>
    {
        manager.SaveHashKey(hashKey);
        return true;
    });

    /// <summary>VTPM_ORD_LOADHASHKEY: what the manager keeps for this vTPM, as a rule 52 bytes, for the caller to zero.</summary>
    /// <exception cref="ManagerErrorException">It refused: TPM_BAD_PARAMETER when it does not know the vTPM.</exception>
    /// <exception cref="TpmTransportException">No answer.</exception>
    public byte[] LoadHashKey() => Send("LOADHASHKEY", [], static (manager, _) =>
    {
        Span<byte> keyData = stackalloc byte[VtpmHashKey.MaxSize];
        int length = manager.LoadHashKey(keyData);
        byte[] hashKey = keyData[..length].ToArray();
        CryptographicOperations.ZeroMemory(keyData);
        return length > 0 ? hashKey : throw new ManagerErrorException("LOADHASHKEY", TpmResult.BadParameter);
    });

    /// <summary>Random bytes of the hardware TPM, as many as it gives; for the caller to zero.</summary>
    public byte[] GetRandom(int length) =>
        Send("TPM_GetRandom", [], (manager, _) => manager.Hardware.GetRandom(Math.Min(length, MaxRandomBytes)));

    /// <summary>A PCR of the hardware TPM.</summary>
    public TpmDigest PcrRead(int pcr) => Send("TPM_PCRRead", [], (manager, _) => manager.Hardware.PcrRead((uint)pcr));

    /// <summary>VTPM_ORD_GET_QUOTE: the hardware TPM quotes its PCRs for this vTPM.</summary>
    /// <exception cref="ManagerErrorException">It refused, or the hardware did.</exception>
    /// <exception cref="TpmTransportException">No answer.</exception>
    public VtpmGetQuoteResponse GetQuote(VtpmGetQuoteRequest request) => Send("GET_QUOTE", [], (manager, _) =>
    {
        Open(manager);
        return manager.GetQuote(request);
    });

    /// <summary>Sends a guest's request to the manager as it is.</summary>
    /// <returns>The length of the response.</returns>
    /// <exception cref="TpmTransportException">No answer: whether the request was executed is not known, unless nobody was there to take it.</exception>
    public int Forward(ReadOnlySpan<byte> request, Span<byte> response)
    {
        // The request may be one that must not be sent twice. What may be comes first, so that a link that has died meanwhile is replaced.
        VtpmManagerClient manager = Send("LOADHASHKEY", [], static (manager, _) =>
        {
            Open(manager);
            return manager;
        });
        try
        {
            return manager.Forward(request, response);
        }
        catch (TpmTransportException)
        {
            Disconnect();
            throw;
        }
    }

    public void Dispose() => Disconnect();

    /// <summary>
    /// Has the manager know which vTPM this is, which it learns from nothing else than LOADHASHKEY and SAVEHASHKEY: without it there are no quotes, and
    /// no rights. A manager that refuses says so to what comes next.
    /// </summary>
    private static void Open(VtpmManagerClient manager)
    {
        Span<byte> hashKey = stackalloc byte[VtpmHashKey.MaxSize];
        try
        {
            manager.LoadHashKey(hashKey);
        }
        catch (VtpmManagerException)
        {
            // it answers the same to what comes next
        }
        finally
        {
            CryptographicOperations.ZeroMemory(hashKey);
        }
    }

    /// <summary>
    /// Sends one request, again over a new connection where the old one has failed: every request may be repeated, for a manager that has kept a hash
    /// and key keeps them again.
    /// </summary>
    private T Send<T>(string name, ReadOnlySpan<byte> argument, Request<T> request)
    {
        bool isFresh = _manager is null;
        while (true)
        {
            try
            {
                _manager ??= new VtpmManagerClient(connect());
                return request(_manager, argument);
            }
            catch (TpmTransportException)
            {
                Disconnect();
                if (isFresh) throw;
                isFresh = true;
            }
            catch (VtpmManagerException exception)
            {
                throw new ManagerErrorException(name, exception.Result);
            }
            catch (TpmCommandException exception)
            {
                throw new ManagerErrorException(name, exception.Result);
            }
            catch (TpmProtocolException exception)
            {
                // On Xen also what a manager that was started again says to a request that waited for the one before.
                Disconnect();
                if (isFresh)
                    throw new TpmTransportException(TpmTransportFault.Malformed, $"what answers {name} is not a vTPM manager", exception);
                isFresh = true;
            }
        }
    }

    private void Disconnect()
    {
        _manager?.Dispose();
        _manager = null;
    }
}
