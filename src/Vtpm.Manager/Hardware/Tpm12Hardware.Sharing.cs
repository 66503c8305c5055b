using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>
/// The hardware TPM is not the manager's alone. Others (the kernel, a trusted boot, a software stack) keep it busy, fill its few slots, end sessions
/// and unload keys. What that spoils is done again, a few times, and then reported; it is never taken for an answer about the image.
/// </content>
internal sealed partial class Tpm12Hardware
{
    /// <summary>So often a use is begun again that others have spoilt; between two there is a pause, in which they may come to their end.</summary>
    private const int Attempts = 5;

    /// <summary>A self-test takes chips a second or two; one that is not done after so long is out of order.</summary>
    private static readonly TimeSpan SelfTestPatience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Runs commands that open what sessions and keys they need, so that they can be run again from their beginning; those after which this would not
    /// do look first whether they have been executed.
    /// </summary>
    private T Use<T>(Func<TpmClient, T> commands, TimeSpan? patience = null)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return Patiently(Client(), commands, patience);
            }
            catch (TpmTransportException e)
            {
                Disconnect();
                if (e.Fault != TpmTransportFault.Interrupted || attempt == Attempts) throw;
                _log.TpmInfo($"{e.Message}: trying again");
            }
            catch (TpmCommandException e) when (IsOthersDoing(e) && attempt < Attempts)
            {
                _log.TpmInfo($"{e.Message}: others use the hardware TPM; trying again");
            }

            Thread.Sleep(_retryPause * attempt);
        }
    }

    private void Use(Action<TpmClient> commands) => Use(tpm =>
    {
        commands(tpm);
        return true;
    });

    /// <summary>Runs commands while the TPM only asks for patience.</summary>
    private T Patiently<T>(TpmClient client, Func<TpmClient, T> commands, TimeSpan? patience = null)
    {
        long deadline = Environment.TickCount64 + (long)(patience ?? SelfTestPatience).TotalMilliseconds;
        while (true)
        {
            try
            {
                return commands(client);
            }
            catch (TpmBusyException e) when (e.Result != TpmResult.DefendLockRunning && Environment.TickCount64 < deadline)
            {
                if (e.Result == TpmResult.NeedsSelfTest) client.ContinueSelfTest();
                else Thread.Sleep(_retryPause);
            }
        }
    }

    /// <summary>
    /// Whether a command of ours was refused for what others have done: a key or session that we had opened is gone, or there is no room to open one.
    /// </summary>
    private static bool IsOthersDoing(TpmCommandException e) => e.Ordinal switch
    {
        // What was to be ended has ended.
        TpmOrdinal.FlushSpecific => false,
        // No slots: places that do not become free.
        TpmOrdinal.NvDefineSpace or TpmOrdinal.CreateCounter => IsGone(e),
        _ => IsGone(e) || e.Result is TpmResult.Resources or TpmResult.NoSpace,
    };

    private static bool IsGone(TpmCommandException e) =>
        e.Result is TpmResult.InvalidKeyHandle or TpmResult.InvalidAuthHandle or TpmResult.KeyNotFound;
}
