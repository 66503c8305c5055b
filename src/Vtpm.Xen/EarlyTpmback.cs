using System.Runtime.ExceptionServices;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Xen;

/// <summary>
/// A backend that is there before the TPM behind it: on a thread of its own it announces devices at once, since the toolstack gives a new domain up whose
/// device nobody has taken after ten seconds. Requests wait on their pages; Linux's driver waits two minutes for its first.
/// </summary>
/// <remarks>Its callbacks run on that thread, some of them before <see cref="Serve"/>.</remarks>
public sealed class EarlyTpmback : IDisposable
{
    private readonly Thread _thread;
    private TpmbackHandler _handler = Refuse;
    private ExceptionDispatchInfo? _fault;
    private bool _givesUp;
    private bool _serves;

    /// <param name="host">Xen; stays the caller's, and is used by this alone.</param>
    /// <param name="options">As of any backend.</param>
    public EarlyTpmback(IXenHost host, TpmbackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Back = new Tpmback(
            host,
            (client, locality, request, response) => _handler(client, locality, request, response),
            options with { IsHeld = true, TurnEnded = () => EndTurn(options.TurnEnded) });
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>For what is to be called on its thread.</summary>
    public Tpmback Back { get; }

    /// <summary>The TPM has started: serves until <see cref="Stop"/>.</summary>
    /// <param name="handler">Answers requests.</param>
    /// <param name="first">Called on the backend's thread before the first one; nothing is served if it throws.</param>
    /// <exception cref="XenException">Xenstore is not to be reached any more.</exception>
    public void Serve(TpmbackHandler handler, Action? first = null)
    {
        _serves = true;
        Back.Begin(() =>
        {
            _handler = handler;
            first?.Invoke();
        });
        _thread.Join();
        _fault?.Throw();
    }

    /// <summary>Ends it after the command that it is in; from any thread.</summary>
    public void Stop() => Back.Stop();

    /// <summary>Ends it. Where it has not served, the TPM has not started: requests that wait are answered TPM_FAIL. Devices stay as they are.</summary>
    public void Dispose()
    {
        if (_serves) Stop();
        else Back.Begin(() => _givesUp = true);
        _thread.Join();
        Back.Dispose();
    }

    private static int Refuse(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response) =>
        TpmMessage.WriteFailure(request, TpmResult.Fail, response);

    private void Run()
    {
        try
        {
            Back.Run();
        }
        catch (Exception exception)
        {
            _fault = ExceptionDispatchInfo.Capture(exception);
        }
    }

    private void EndTurn(Action? then)
    {
        then?.Invoke();
        if (_givesUp) Stop();
    }
}
