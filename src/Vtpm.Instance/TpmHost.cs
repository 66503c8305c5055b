using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>Propose, persist, commit, answer: nothing is acknowledged before it is durable.</summary>
/// <param name="engine">Executes.</param>
/// <param name="store">Where the TPM's state lasts.</param>
/// <param name="log">Takes what must be seen.</param>
/// <param name="boot">The record of the platform's boot, where the process may have to be replaced while the platform runs.</param>
public sealed class TpmHost(ITpmEngine engine, IStateStore store, Action<string> log, BootRecord? boot = null)
{
    // Why the last one was not kept; empty when it was. It is said once, for a guest that tries again and again.
    private string _stateFault = "";
    private string _bootFault = "";

    /// <summary>Executes one command; when this returns, what the response acknowledges is durable.</summary>
    public int Execute(ReadOnlySpan<byte> request, int locality, Span<byte> response)
    {
        TpmProposal proposal = engine.Propose(request, locality, response);
        bool isSaved = false;
        try
        {
            if (proposal.State is { } state)
            {
                store.Save(state.Span);
                Tell(ref _stateFault, "", "the vTPM's state is saved again");
            }

            isSaved = true;
            // Last, for a command whose state was not saved has not happened. In the other order of failures, a state that is saved and a boot that
            // is not, the guest hears of a failure, and the next save takes the state back.
            if (proposal.Boot is { } changed)
            {
                Record(changed.Span);
                Tell(ref _bootFault, "", "the record of the guest's boot is written again");
            }
        }
        catch (StateNotSavedException exception)
        {
            Tell(ref isSaved ? ref _bootFault : ref _stateFault, exception.Message, exception.Message);
            return engine.WriteNotSaved(request, response, exception.IsTransient);
        }

        engine.Commit();
        return proposal.ResponseLength;
    }

    private void Tell(ref string known, string fault, string line)
    {
        if (known == fault) return;
        known = fault;
        log(line);
    }

    private void Record(ReadOnlySpan<byte> changed)
    {
        try
        {
            boot?.Write(changed);
        }
        catch (IOException exception)
        {
            throw new StateNotSavedException($"the record of the guest's boot was not written, and the command refused: {exception.Message}", isTransient: false, exception);
        }
    }

    /// <summary>Sends TPM_Startup, as firmware would.</summary>
    public TpmResult StartUp(TpmStartupType type)
    {
        byte[] request = [0, (byte)TpmTag.RquCommand, 0, 0, 0, 12, 0, 0, 0, (byte)TpmOrdinal.Startup, 0, (byte)type];
        byte[] response = new byte[TpmMessage.MaxLength];
        Execute(request, locality: 0, response);
        return TpmMessage.ReadResult(response);
    }
}
